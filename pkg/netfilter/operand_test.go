// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"net/netip"
	"testing"
)

// packet6 goes from fd00::2 to 2001:db8::1.
var packet6 = Packet{Source: netip.MustParseAddr("fd00::2"), Destination: netip.MustParseAddr("2001:db8::1"), Protocol: 17}

// is makes a condition that an operand has one value.
func is(o Operand, b ...byte) Condition {
	o.Length = len(b)
	return Condition{Key: []Operand{o}, Elements: []Element{{Key: []Range{{From: b, To: b}}}}}
}

// TestConditionOfEachField asks for each field the value that the packet has,
// another value, and the same of a packet of which only the destination is known.
func TestConditionOfEachField(t *testing.T) {
	name := func(s string) []byte { return append([]byte(s), make([]byte, 16-len(s))...) }
	full := packet
	full.SourceType = TypeLocal
	long := packet
	long.Out.Name = "a-name-of-more-than-16"
	bare := Packet{Destination: packet.Destination}
	bare6 := Packet{Destination: packet6.Destination}
	tests := []struct {
		name   string
		packet Packet
		c      Condition
		want   Truth
	}{
		{"source", full, is(Operand{Field: NetworkHeader, Offset: 12}, 10, 1, 0, 2), Yes},
		{"another source", full, is(Operand{Field: NetworkHeader, Offset: 12}, 10, 1, 0, 3), No},
		{"source, not known", bare, is(Operand{Field: NetworkHeader, Offset: 12}, 10, 1, 0, 2), Maybe},
		{"destination", bare, is(Operand{Field: NetworkHeader, Offset: 16}, 192, 0, 2, 1), Yes},
		{"another destination", bare, is(Operand{Field: NetworkHeader, Offset: 16}, 192, 0, 2, 2), No},
		{"start of the destination", bare, is(Operand{Field: NetworkHeader, Offset: 16}, 192, 0), Yes},
		{"end of the destination", bare, is(Operand{Field: NetworkHeader, Offset: 18}, 2, 1), Yes},
		{"options of the header", full, is(Operand{Field: NetworkHeader, Offset: 20}, 0), Maybe},
		{"end of the destination and options", full, is(Operand{Field: NetworkHeader, Offset: 19}, 1, 7), Maybe},
		{"another end and options", full, is(Operand{Field: NetworkHeader, Offset: 19}, 2, 7), No},
		{"before the header", full, is(Operand{Field: NetworkHeader, Offset: -1}, 0, 0), Maybe},
		{"protocol in the header", full, is(Operand{Field: NetworkHeader, Offset: 9}, 6), Yes},
		{"another in the header", full, is(Operand{Field: NetworkHeader, Offset: 9}, 17), No},
		{"in the header, not known", bare, is(Operand{Field: NetworkHeader, Offset: 9}, 0), Maybe},
		{"source of IPv6", packet6, SourceIn(netip.MustParsePrefix("fd00::2/128"), false, ""), Yes},
		{"another source of IPv6", packet6, SourceIn(netip.MustParsePrefix("fd00::3/128"), false, ""), No},
		{"source of IPv6, not known", bare6, SourceIn(netip.MustParsePrefix("fd00::2/128"), false, ""), Maybe},
		{"destination of IPv6", bare6, DestinationIn(netip.MustParsePrefix("2001:db8::/32"), false, ""), Yes},
		{"another destination of IPv6", bare6, DestinationIn(netip.MustParsePrefix("2001:db9::/32"), false, ""), No},
		{"not that destination of IPv6", bare6, DestinationIn(netip.MustParsePrefix("2001:db8::/32"), true, ""), No},
		{"next header of IPv6", packet6, is(Operand{Field: NetworkHeader, Offset: 6}, 17), Maybe}, // may be an extension
		{"hop limit of IPv6", packet6, is(Operand{Field: NetworkHeader, Offset: 9}, 1), No},       // the source
		{"kube-proxy's mark", full, is(Operand{Field: Mark}, 0, 0, 0x40, 0), No},
		{"no mark", full, is(Operand{Field: Mark}, 0, 0, 0, 0), Maybe},
		{"IPv4", full, is(Operand{Field: NFProto}, 2), Yes},
		{"IPv6 of IPv4", full, is(Operand{Field: NFProto}, 10), No},
		{"IPv6", packet6, is(Operand{Field: NFProto}, 10), Yes},
		{"IPv4 of IPv6", packet6, is(Operand{Field: NFProto}, 2), No},
		{"Ethernet type of IPv4", full, is(Operand{Field: EtherType}, 0x08, 0x00), Yes},
		{"not that of IPv6", full, is(Operand{Field: EtherType}, 0x86, 0xdd), No},
		{"Ethernet type of IPv6", packet6, is(Operand{Field: EtherType}, 0x86, 0xdd), Yes},
		{"not that of IPv4", packet6, is(Operand{Field: EtherType}, 0x08, 0x00), No},
		{"protocol", full, is(Operand{Field: L4Proto}, 6), Yes},
		{"another protocol", full, is(Operand{Field: L4Proto}, 17), No},
		{"protocol of IPv6", packet6, is(Operand{Field: L4Proto}, 17), Yes},
		{"protocol, not known", bare, is(Operand{Field: L4Proto}, 0), Maybe},
		{"protocol and more", full, is(Operand{Field: L4Proto}, 6, 0), Maybe},
		{"interface", full, is(Operand{Field: OutName}, name("eth0")...), Yes},
		{"start of an interface", full, is(Operand{Field: OutName}, 'e', 't', 'h'), Yes},
		{"another interface", full, is(Operand{Field: OutName}, name("eth1")...), No},
		{"interface, not known", bare, is(Operand{Field: OutName}, name("")...), Maybe},
		{"a name that is too long", long, is(Operand{Field: OutName}, name("a-name-of-more-")...), Yes},
		{"number of the interface", full, is(Operand{Field: OutIndex}, 0, 0, 0, 2), Yes},
		{"another number", full, is(Operand{Field: OutIndex}, 0, 0, 0, 3), No},
		{"number, not known", bare, is(Operand{Field: OutIndex}, 0, 0, 0, 0), Maybe},
		{"number and more", full, is(Operand{Field: OutIndex}, 0, 0, 0, 2, 0), Maybe},
		{"destination type", full, is(Operand{Field: DestinationType}, 0, 0, 0, 1), Yes},
		{"another destination type", full, is(Operand{Field: DestinationType}, 0, 0, 0, 2), No},
		{"destination type, not known", bare, is(Operand{Field: DestinationType}, 0, 0, 0, 0), Maybe},
		{"destination type and more", full, is(Operand{Field: DestinationType}, 0, 0, 0, 1, 0), Maybe},
		{"source type", full, is(Operand{Field: SourceType}, 0, 0, 0, 2), Yes},
		{"another source type", full, is(Operand{Field: SourceType}, 0, 0, 0, 1), No},
		{"source type, not known", bare, is(Operand{Field: SourceType}, 0, 0, 0, 0), Maybe},
		{"source type and more", full, is(Operand{Field: SourceType}, 0, 0, 0, 2, 0), Maybe},
		{"mark and more", full, is(Operand{Field: Mark, Mask: []byte{0, 0, 0x40, 0, 0}}, 0, 0, 0, 0, 0), Yes},
		{"a constant", full, is(Operand{Field: Constant, Constant: []byte{1, 2}}, 1, 2), Yes},
		{"another constant", full, is(Operand{Field: Constant, Constant: []byte{1, 2}}, 1, 3), No},
		{"something else", full, is(Operand{Field: Opaque}, 0), Maybe},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.c.holds(newState(tt.packet)); got != tt.want {
				t.Errorf("holds: %d, want %d", got, tt.want)
			}
			tt.c.Negated = !tt.c.Negated
			if got := tt.c.holds(newState(tt.packet)); got != 2-tt.want {
				t.Errorf("negated, holds: %d, want %d", got, 2-tt.want)
			}
		})
	}
}

// TestRangeAgainst compares ranges with a byte that is known, known in part
// (16 to 31) and not known.
func TestRangeAgainst(t *testing.T) {
	exact, part, unknown := knownValue([]byte{20}), value{[]byte{16}, []byte{0xf0}}, unknownValue(1)
	even := value{[]byte{0}, []byte{1}}
	random := Operand{Field: Random, Length: 4, Low: 10, High: 20}
	four := func(from, to byte) Range { return Range{[]byte{0, 0, 0, from}, []byte{0, 0, 0, to}} }
	one := func(from, to byte) Range { return Range{[]byte{from}, []byte{to}} }
	masked := random
	masked.Mask = []byte{0, 0, 0, 1}
	xored := random
	xored.Xor = []byte{0, 0, 0, 1}
	short := random
	short.Length = 1
	tests := []struct {
		name string
		r    Range
		o    Operand
		v    value
		want Truth
	}{
		{"exact", one(20, 20), Operand{}, exact, Yes},
		{"from it on", one(20, 30), Operand{}, exact, Yes},
		{"up to it", one(10, 20), Operand{}, exact, Yes},
		{"above", one(21, 30), Operand{}, exact, No},
		{"below", one(10, 19), Operand{}, exact, No},
		{"all of it", one(16, 31), Operand{}, part, Yes},
		{"more than all", one(15, 32), Operand{}, part, Yes},
		{"all but the first", one(17, 31), Operand{}, part, Maybe},
		{"all but the last", one(16, 30), Operand{}, part, Maybe},
		{"only the first", one(0, 16), Operand{}, part, Maybe},
		{"only the last", one(31, 255), Operand{}, part, Maybe},
		{"one of it", one(20, 20), Operand{}, part, Maybe},
		{"just below", one(0, 15), Operand{}, part, No},
		{"just above", one(32, 255), Operand{}, part, No},
		{"anything", one(0, 255), Operand{}, unknown, Yes},
		{"an odd number is not even", one(7, 7), Operand{}, even, No},
		{"two numbers may be", one(7, 8), Operand{}, even, Maybe},
		{"random within", four(10, 20), random, unknownValue(4), Yes},
		{"random in part", four(10, 19), random, unknownValue(4), Maybe},
		{"random from 11", four(11, 20), random, unknownValue(4), Maybe},
		{"random below", four(0, 9), random, unknownValue(4), No},
		{"random above", four(21, 22), random, unknownValue(4), No},
		{"random with a mask", four(0, 9), masked, unknownValue(4), Maybe},
		{"random with xor", four(0, 9), xored, unknownValue(4), Maybe},
		{"random of another size", one(0, 9), short, unknownValue(1), Maybe},
		{"lower end too long", Range{[]byte{0, 0}, []byte{9}}, Operand{}, exact, Maybe},
		{"upper end too long", Range{[]byte{21}, []byte{22, 0}}, Operand{}, exact, Maybe},
		{"both too short", Range{[]byte{}, []byte{}}, Operand{}, exact, Maybe},
	}
	for _, tt := range tests {
		if got := tt.r.against(tt.o, tt.v); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

// TestConditionOfSeveral: a key of several operands, and elements that together
// have every value.
func TestConditionOfSeveral(t *testing.T) {
	destination, protocol := Operand{Field: NetworkHeader, Offset: 16, Length: 1}, Operand{Field: L4Proto, Length: 1}
	mark := Operand{Field: Mark, Offset: 3, Length: 1}
	random := Operand{Field: Random, Length: 4, Low: 0, High: 2}
	one := func(b ...byte) Element {
		var e Element
		for _, v := range b {
			e.Key = append(e.Key, Range{[]byte{v}, []byte{v}})
		}
		return e
	}
	span := func(from, to byte) Element { return Element{Key: []Range{{[]byte{from}, []byte{to}}}} }
	long := func(n byte) Element { return Element{Key: []Range{{[]byte{0, 0, 0, n}, []byte{0, 0, 0, n}}}} }
	carry := func(from, to [4]byte) Element { return Element{Key: []Range{{from[:], to[:]}}} }
	tests := []struct {
		name     string
		key      []Operand
		elements []Element
		want     Truth
	}{
		{"both", []Operand{destination, protocol}, []Element{one(192, 6)}, Yes},
		{"only the first", []Operand{destination, protocol}, []Element{one(192, 17)}, No},
		{"only the second", []Operand{destination, protocol}, []Element{one(10, 6)}, No},
		{"the second element", []Operand{destination, protocol}, []Element{one(192, 17), one(192, 6)}, Yes},
		{"one, perhaps the other", []Operand{destination, mark}, []Element{one(192, 1)}, Maybe},
		{"one not, perhaps the other", []Operand{mark, destination}, []Element{one(1, 10)}, No},
		{"perhaps one, the other not", []Operand{destination, mark}, []Element{one(10, 1)}, No},
		{"perhaps one, the other", []Operand{mark, destination}, []Element{one(1, 192)}, Maybe},
		{"two that cover the first operand only", []Operand{random, mark}, []Element{
			{Key: []Range{{[]byte{0, 0, 0, 0}, []byte{0, 0, 0, 1}}, {[]byte{0}, []byte{0}}}},
			{Key: []Range{{[]byte{0, 0, 0, 2}, []byte{0, 0, 0, 2}}, {[]byte{1}, []byte{1}}}}}, Maybe},
		{"an element of fewer operands", []Operand{destination, protocol}, []Element{one(192)}, Maybe},
		{"an element of another length", []Operand{mark}, []Element{{Key: []Range{{[]byte{}, []byte{255, 255}}}}}, Maybe},
		{"no element", []Operand{destination}, nil, No},
		{"every value", []Operand{mark}, []Element{span(0, 99), span(100, 255)}, Yes},
		{"every value, in any order", []Operand{mark}, []Element{span(200, 255), span(0, 99), span(100, 199)}, Yes},
		{"all but the first", []Operand{mark}, []Element{span(1, 99), span(100, 255)}, Maybe},
		{"all but the last", []Operand{mark}, []Element{span(0, 99), span(100, 254)}, Maybe},
		{"all but one", []Operand{mark}, []Element{span(0, 99), span(101, 255)}, Maybe},
		{"single random values", []Operand{random}, []Element{long(0), long(1), long(2)}, Yes},
		{"one random value less", []Operand{random}, []Element{long(0), long(2)}, Maybe},
		{"across a carry", []Operand{{Field: Random, Length: 4, Low: 0x0000fffe, High: 0x00010002}}, []Element{
			carry([4]byte{0, 0, 0xff, 0xfe}, [4]byte{0, 0, 0xff, 0xff}), carry([4]byte{0, 1, 0, 0}, [4]byte{0, 1, 0, 2})}, Yes},
	}
	for _, tt := range tests {
		c := Condition{Key: tt.key, Elements: tt.elements}
		if got := c.holds(newState(packet)); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
		c.Uncertain = true
		if got := c.holds(newState(packet)); got != Maybe {
			t.Errorf("%s, if elements may change: %d, want %d", tt.name, got, Maybe)
		}
	}
	if c := NotUnderstood("-m thing"); c.Understood() || !c.Uncertain || c.Text != "-m thing" {
		t.Errorf("NotUnderstood() is %+v", c)
	}
	if c := (Condition{Elements: []Element{one(1)}}); c.Understood() {
		t.Error("a condition without a key is understood")
	}
}

func TestRangeOf(t *testing.T) {
	for in, want := range map[string]string{"10.0.0.0/8": "10.255.255.255", "0.0.0.0/0": "255.255.255.255", "10.1.2.3/32": "10.1.2.3", "10.1.2.3/24": "10.1.2.255", "fd00::/126": "fd00::3"} {
		p := netip.MustParsePrefix(in)
		if got := RangeOf(p); got.To.String() != want || got.From != p.Masked().Addr() {
			t.Errorf("%s is %v, want one that ends with %s", in, got, want)
		}
	}
}
