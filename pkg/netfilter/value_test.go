// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestValue has what each operation makes of 0x12 0x3?, of which four bits are
// not known.
func TestValue(t *testing.T) {
	v := value{[]byte{0x12, 0x30}, []byte{0xff, 0xf0}}
	forget := func(offset, length int) value {
		out := v.clone()
		out.forget(offset, length)
		return out
	}
	tests := []struct {
		name      string
		got, want value
	}{
		{"all of it", v.slice(0, 2), v},
		{"its start", v.slice(0, 1), value{[]byte{0x12}, []byte{0xff}}},
		{"its end", v.slice(1, 1), value{[]byte{0x30}, []byte{0xf0}}},
		{"its end and more", v.slice(1, 2), value{[]byte{0x30, 0}, []byte{0xf0, 0}}},
		{"its start and less", v.slice(-1, 2), value{[]byte{0, 0x12}, []byte{0, 0xff}}},
		{"more on both sides", v.slice(-1, 4), value{[]byte{0, 0x12, 0x30, 0}, []byte{0, 0xff, 0xf0, 0}}},
		{"behind it", v.slice(2, 1), value{[]byte{0}, []byte{0}}},
		{"a mask", v.masked([]byte{0x0f, 0x18}, nil), value{[]byte{0x02, 0x10}, []byte{0xff, 0xf7}}},
		{"xor", v.masked(nil, []byte{0xf0, 0x11}), value{[]byte{0xe2, 0x20}, []byte{0xff, 0xf0}}},
		{"a mask and xor", v.masked([]byte{0x0f, 0xf1}, []byte{0x01, 0x02}), value{[]byte{0x03, 0x32}, []byte{0xff, 0xfe}}},
		{"a short mask", v.masked([]byte{0x0f}, nil), value{[]byte{0x02, 0x30}, []byte{0xff, 0xf0}}},
		{"a short xor", v.masked(nil, []byte{0xf0}), value{[]byte{0xe2, 0x30}, []byte{0xff, 0xf0}}},
		{"no mask", v.masked(nil, nil), v},
		{"itself or itself", v.join(v), v},
		{"itself or another", v.join(knownValue([]byte{0x13, 0x3f})), value{[]byte{0x12, 0x30}, []byte{0xfe, 0xf0}}},
		{"another or itself", knownValue([]byte{0x13, 0x3f}).join(v), value{[]byte{0x12, 0x30}, []byte{0xfe, 0xf0}}},
		{"itself or anything", v.join(unknownValue(2)), unknownValue(2)},
		{"the first byte forgotten", forget(0, 1), value{[]byte{0, 0x30}, []byte{0, 0xf0}}},
		{"the second", forget(1, 1), value{[]byte{0x12, 0}, []byte{0xff, 0}}},
		{"the second and more", forget(1, 9), value{[]byte{0x12, 0}, []byte{0xff, 0}}},
		{"the first and less", forget(-3, 4), value{[]byte{0, 0x30}, []byte{0, 0xf0}}},
		{"nothing", forget(-3, 3), v},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.got, cmp.AllowUnexported(value{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if diff := cmp.Diff(value{[]byte{0x12, 0x30}, []byte{0xff, 0xf0}}, v, cmp.AllowUnexported(value{})); diff != "" {
		t.Errorf("the value itself changed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]byte{0x12, 0x3f}, v.highest()); diff != "" {
		t.Errorf("highest (-want +got):\n%s", diff)
	}
	source := []byte{1}
	if known := knownValue(source); &known.bits[0] == &source[0] {
		t.Error("a known value shares the memory of the bytes it was made of")
	}
}

func TestValueIs(t *testing.T) {
	v := value{[]byte{0x12, 0x30}, []byte{0xff, 0xf0}}
	for _, tt := range []struct {
		v, o  value
		is    Truth // v is the bits of o
		equal bool
	}{
		{v, v, Maybe, true},
		{v, value{[]byte{0x12, 0x30}, []byte{0xff, 0xff}}, Maybe, false},
		{v, value{[]byte{0x12, 0x20}, []byte{0xff, 0xf0}}, No, false},
		{v, value{[]byte{0x13, 0x30}, []byte{0xff, 0xf0}}, No, false},
		{knownValue([]byte{1}), knownValue([]byte{1}), Yes, true},
	} {
		if got := tt.v.is(tt.o.bits); got != tt.is {
			t.Errorf("%x is %x: %d, want %d", tt.v, tt.o.bits, got, tt.is)
		}
		if got := tt.v.equal(tt.o); got != tt.equal {
			t.Errorf("%x equals %x: %v", tt.v, tt.o, got)
		}
	}
}

// TestStatesShareNothing: what a rule does to one state does not change the
// state it was made from, which other rules still need.
func TestStatesShareNothing(t *testing.T) {
	s := newState(packet)
	before := s.network.clone()
	rewritten := s.rewrite(Rewrite{Offset: 12, Length: 8})
	if !s.network.equal(before) {
		t.Error("rewrite changed the state it was given")
	}
	s.join(rewritten)
	if !s.network.equal(before) {
		t.Error("join changed the state it was given")
	}
}

// TestRewriteOverlaps: a rewrite of any byte of an address, and of none beside it.
func TestRewriteOverlaps(t *testing.T) {
	full := packet
	full.SourceType = TypeUnicast
	six := packet6
	six.SourceType, six.DestinationType = TypeUnicast, TypeUnicast
	for _, tt := range []struct {
		packet              Packet
		r                   Rewrite
		source, destination bool // is rewritten
	}{
		{full, Rewrite{11, 1}, false, false},
		{full, Rewrite{12, 1}, true, false},
		{full, Rewrite{15, 1}, true, false},
		{full, Rewrite{16, 1}, false, true},
		{full, Rewrite{19, 1}, false, true},
		{full, Rewrite{20, 1}, false, false},
		{full, Rewrite{15, 2}, true, true},
		{full, Rewrite{0, 20}, true, true},
		{six, Rewrite{7, 1}, false, false},
		{six, Rewrite{8, 1}, true, false},
		{six, Rewrite{23, 1}, true, false},
		{six, Rewrite{24, 1}, false, true},
		{six, Rewrite{39, 1}, false, true},
		{six, Rewrite{40, 1}, false, false},
	} {
		before := newState(tt.packet)
		s := before.rewrite(tt.r)
		if s.rewritten != tt.source || s.sourceType.equal(before.sourceType) == tt.source {
			t.Errorf("%+v: the source is rewritten: %v, its type %v", tt.r, s.rewritten, s.sourceType)
		}
		if s.destinationType.equal(before.destinationType) == tt.destination {
			t.Errorf("%+v: the destination's type is %v", tt.r, s.destinationType)
		}
		if s.equal(before) != (!tt.source && !tt.destination) && s.network.equal(before.network) {
			t.Errorf("%+v: equal: %v", tt.r, s.equal(before))
		}
	}
}

// TestStateEqual changes one part of a state after the other.
func TestStateEqual(t *testing.T) {
	s := newState(packet)
	if !s.equal(newState(packet)) {
		t.Error("two states of one packet are not equal")
	}
	for name, change := range map[string]func(*state){
		"network":         func(s *state) { s.network = unknownValue(20) },
		"mark":            func(s *state) { s.mark = unknownValue(4) },
		"destinationType": func(s *state) { s.destinationType = unknownValue(4) },
		"sourceType":      func(s *state) { s.sourceType = knownValue([]byte{0, 0, 0, 1}) },
		"rewritten":       func(s *state) { s.rewritten = true },
	} {
		o := newState(packet)
		change(&o)
		if s.equal(o) || o.equal(s) {
			t.Errorf("%s: equal, though it differs", name)
		}
		if name == "network" || name == "mark" || name == "destinationType" || name == "rewritten" {
			if joined := s.join(o); joined.equal(s) || !joined.equal(o) {
				t.Errorf("%s: either is %+v", name, joined)
			}
			if joined := o.join(s); joined.equal(s) || !joined.equal(o) {
				t.Errorf("%s: either, in the other order, is %+v", name, joined)
			}
		}
	}
}

func TestSuccessorAndPredecessor(t *testing.T) {
	for _, tt := range []struct{ b, next []byte }{
		{[]byte{0, 0}, []byte{0, 1}},
		{[]byte{0, 255}, []byte{1, 0}},
		{[]byte{255, 255}, []byte{0, 0}},
	} {
		b, next := slices.Clone(tt.b), slices.Clone(tt.next)
		if diff := cmp.Diff(tt.next, Successor(b)); diff != "" {
			t.Errorf("Successor(%v) (-want +got):\n%s", tt.b, diff)
		}
		if diff := cmp.Diff(tt.b, Predecessor(next)); diff != "" {
			t.Errorf("Predecessor(%v) (-want +got):\n%s", tt.next, diff)
		}
		if !slices.Equal(b, tt.b) || !slices.Equal(next, tt.next) {
			t.Errorf("the arguments %v and %v were changed to %v and %v", tt.b, tt.next, b, next)
		}
	}
}
