// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDestinations has the ranges that conditions and maps name, as iptables and
// nft write them.
func TestDestinations(t *testing.T) {
	addr := netip.MustParseAddr
	between := func(from, to string) AddressRange { return AddressRange{addr(from), addr(to)} }
	key := func(o Operand) []Operand { return []Operand{o} }
	bytes := func(from, to []byte) []Element { return []Element{{Key: []Range{{from, to}}}} }
	ten := bytes([]byte{10, 0, 0, 0}, []byte{10, 255, 255, 255})
	tests := []struct {
		name                 string
		c                    Condition
		destinations, source []AddressRange
	}{
		{"-d", to("10.0.0.0/8"), []AddressRange{between("10.0.0.0", "10.255.255.255")}, nil},
		{"! -d", DestinationIn(netip.MustParsePrefix("10.0.0.0/8"), true, ""), []AddressRange{between("10.0.0.0", "10.255.255.255")}, nil},
		{"-d with host bits", to("10.1.2.3/8"), []AddressRange{between("10.0.0.0", "10.255.255.255")}, nil},
		{"-d of bits within a byte", to("10.16.0.0/13"), []AddressRange{between("10.16.0.0", "10.23.255.255")}, nil},
		{"-s", SourceIn(netip.MustParsePrefix("10.0.0.0/8"), false, ""), nil, []AddressRange{between("10.0.0.0", "10.255.255.255")}},
		{"a set", Condition{Key: key(Operand{Field: NetworkHeader, Offset: 16, Length: 4}), Elements: []Element{element("10.0.0.0/8", Verdict{}), element("192.0.2.1/32", Verdict{})}},
			[]AddressRange{between("10.0.0.0", "10.255.255.255"), between("192.0.2.1", "192.0.2.1")}, nil},
		{"whole bytes", Condition{Key: key(Operand{Field: NetworkHeader, Offset: 16, Length: 1}), Elements: bytes([]byte{10}, []byte{10})},
			[]AddressRange{between("10.0.0.0", "10.255.255.255")}, nil},
		{"a mask", Condition{Key: key(Operand{Field: NetworkHeader, Offset: 16, Length: 4, Mask: []byte{255, 240, 0, 0}}), Elements: bytes([]byte{172, 16, 0, 0}, []byte{172, 16, 0, 0})},
			[]AddressRange{between("172.16.0.0", "172.31.255.255")}, nil},
		{"destination and protocol", Condition{
			Key:      []Operand{{Field: L4Proto, Length: 1}, {Field: NetworkHeader, Offset: 16, Length: 4}},
			Elements: []Element{{Key: []Range{{[]byte{6}, []byte{6}}, {[]byte{10, 0, 0, 0}, []byte{10, 0, 0, 9}}}}},
		}, []AddressRange{between("10.0.0.0", "10.0.0.9")}, nil},
		{"source and destination", Condition{
			Key:      []Operand{{Field: NetworkHeader, Offset: 12, Length: 4}, {Field: NetworkHeader, Offset: 16, Length: 4}},
			Elements: []Element{{Key: []Range{{[]byte{10, 0, 0, 1}, []byte{10, 0, 0, 1}}, {[]byte{10, 0, 0, 2}, []byte{10, 0, 0, 2}}}}},
		}, []AddressRange{between("10.0.0.2", "10.0.0.2")}, []AddressRange{between("10.0.0.1", "10.0.0.1")}},
		{"the mark", Condition{Key: key(Operand{Field: Mark, Offset: 16, Length: 4}), Elements: ten}, nil, nil},
		{"xor", Condition{Key: key(Operand{Field: NetworkHeader, Offset: 16, Length: 4, Xor: []byte{0, 0, 0, 1}}), Elements: ten}, nil, nil},
		{"more than the address", Condition{Key: key(Operand{Field: NetworkHeader, Offset: 16, Length: 5}), Elements: bytes([]byte{10, 0, 0, 0, 0}, []byte{10, 0, 0, 0, 0})}, nil, nil},
		{"an element of another length", Condition{Key: key(Operand{Field: NetworkHeader, Offset: 16, Length: 2}), Elements: ten}, nil, nil},
		{"an element whose start is longer", Condition{Key: key(Operand{Field: NetworkHeader, Offset: 16, Length: 2}), Elements: bytes([]byte{10, 0, 0}, []byte{10, 0})}, nil, nil},
		{"an element whose end is longer", Condition{Key: key(Operand{Field: NetworkHeader, Offset: 16, Length: 2}), Elements: bytes([]byte{10, 0}, []byte{10, 0, 0})}, nil, nil},
		{"an element of two parts", Condition{Key: key(Operand{Field: NetworkHeader, Offset: 16, Length: 4}), Elements: []Element{
			{Key: []Range{{[]byte{10, 0, 0, 0}, []byte{10, 0, 0, 0}}, {[]byte{6}, []byte{6}}}}, element("192.0.2.1/32", Verdict{})}},
			[]AddressRange{between("192.0.2.1", "192.0.2.1")}, nil},
		{"not understood", maybe, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			compare := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
			if diff := cmp.Diff(tt.destinations, tt.c.Destinations(IPv4), compare); diff != "" {
				t.Errorf("destinations (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.source, tt.c.Sources(IPv4), compare); diff != "" {
				t.Errorf("sources (-want +got):\n%s", diff)
			}
			m := VerdictMap{Key: tt.c.Key, Elements: tt.c.Elements}
			r := rule(here, tt.c, m, do(Accept))
			want := append([]AddressRange{between("192.0.2.0", "192.0.2.255")}, append(tt.destinations, tt.destinations...)...)
			if diff := cmp.Diff(want, r.Destinations(IPv4), compare); diff != "" {
				t.Errorf("of a rule with the condition and a map (-want +got):\n%s", diff)
			}
		})
	}
	six := DestinationIn(netip.MustParsePrefix("2001:db8::/32"), false, "")
	if got := six.Destinations(IPv6); len(got) != 1 || got[0].String() != "2001:db8::/32" {
		t.Errorf("of IPv6: %v", got)
	}
}

func TestAddressRange(t *testing.T) {
	addr := netip.MustParseAddr
	r := AddressRange{addr("10.0.0.4"), addr("10.0.0.7")}
	for s, want := range map[string]bool{"10.0.0.3": false, "10.0.0.4": true, "10.0.0.5": true, "10.0.0.7": true, "10.0.0.8": false} {
		if got := r.Contains(addr(s)); got != want {
			t.Errorf("%s contains %s: %v", r, s, got)
		}
	}
	for _, tt := range []struct{ from, to, want string }{
		{"10.0.0.4", "10.0.0.7", "10.0.0.4/30"},
		{"10.0.0.4", "10.0.0.4", "10.0.0.4/32"},
		{"::1", "::1", "::1/128"},
		{"0.0.0.0", "255.255.255.255", "0.0.0.0/0"},
		{"10.0.0.4", "10.0.0.8", ""},
		{"10.0.0.5", "10.0.0.7", ""},
	} {
		got := ""
		if p, ok := (AddressRange{addr(tt.from), addr(tt.to)}).Prefix(); ok {
			got = p.String()
		}
		if got != tt.want {
			t.Errorf("%s-%s is the prefix %q, want %q", tt.from, tt.to, got, tt.want)
		}
	}
}
