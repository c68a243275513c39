// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// Field is something that a rule can ask of a packet. Its bytes are in network
// byte order, also where the kernel keeps them in the host's.
type Field uint8

// The fields. Any other is Opaque: nothing is known of it.
const (
	Opaque          Field = iota
	NetworkHeader         // the IP header
	Mark                  // 4 bytes
	NFProto               // 1 byte: NFPROTO_IPV4 or NFPROTO_IPV6
	EtherType             // 2 bytes: ETH_P_IP or ETH_P_IPV6
	L4Proto               // 1 byte: IPPROTO_TCP and so on
	OutName               // 16 bytes, padded with zeros
	OutIndex              // 4 bytes
	DestinationType       // 4 bytes: RTN_LOCAL and so on, as fib daddr type
	SourceType            // 4 bytes, as fib saddr type
	Random                // 4 bytes: any number from Low to High
	Constant              // the bytes of Operand.Constant
)

// Operand is a value that a rule takes from a packet: Length bytes of a field
// from Offset on, and of them (bytes & Mask) ^ Xor.
type Operand struct {
	Field          Field
	Offset, Length int    // in bytes
	Mask, Xor      []byte // Length bytes each, or nil
	Low, High      uint32 // of Random
	Constant       []byte // of Constant
}

// of returns the operand's value for a packet.
func (o Operand) of(s state) value {
	var v value
	switch o.Field {
	case NetworkHeader:
		v = s.network
	case Mark:
		v = s.mark
	case NFProto:
		v = knownValue([]byte{nfprotoIPv4})
		if s.family == IPv6 {
			v = knownValue([]byte{nfprotoIPv6})
		}
	case EtherType:
		v = knownValue([]byte{0x08, 0x00})
		if s.family == IPv6 {
			v = knownValue([]byte{0x86, 0xdd})
		}
	case L4Proto:
		v = s.protocol
	case OutName:
		v = s.outName
	case OutIndex:
		v = s.outIndex
	case DestinationType:
		v = s.destinationType
	case SourceType:
		v = s.sourceType
	case Constant:
		v = knownValue(o.Constant)
	}
	return v.slice(o.Offset, o.Length).masked(o.Mask, o.Xor)
}

// bounds returns the lowest and the highest value that the operand can have.
func (o Operand) bounds(v value) (low, high []byte) {
	if o.Field == Random && o.Length == 4 && o.Mask == nil && o.Xor == nil {
		return binary.BigEndian.AppendUint32(nil, o.Low), binary.BigEndian.AppendUint32(nil, o.High)
	}
	return v.lowest(), v.highest()
}

// Range is a range of byte strings of one length, both ends included, in
// lexical order, which for network byte order is the order of numbers.
type Range struct{ From, To []byte }

// against tells whether a value lies in the range.
func (r Range) against(o Operand, v value) Truth {
	if len(r.From) != len(v.bits) || len(r.To) != len(v.bits) {
		return Maybe
	}
	low, high := o.bounds(v)
	switch {
	case bytes.Compare(r.To, low) < 0 || bytes.Compare(r.From, high) > 0:
		return No
	case bytes.Compare(r.From, low) <= 0 && bytes.Compare(high, r.To) <= 0:
		return Yes
	case bytes.Equal(r.From, r.To) && v.is(r.From) == No:
		return No
	}
	return Maybe
}

// Element is one element of a set: a range for each operand of the key, and in
// a verdict map what becomes of a packet that matches.
type Element struct {
	Key     []Range
	Verdict Verdict
}

// holds tells whether the key's values lie in the element.
func (e Element) holds(key []Operand, values []value) Truth {
	if len(e.Key) != len(key) {
		return Maybe
	}
	t := Yes
	for i, r := range e.Key {
		t = min(t, r.against(key[i], values[i]))
	}
	return t
}

// Condition is one test of a rule. It holds if the key is in one of the
// elements, or in none of them if it is negated.
type Condition struct {
	Key      []Operand // empty if the condition is not understood
	Elements []Element // disjoint
	Negated  bool
	// Uncertain means that the elements may change while packets pass, or that
	// the condition can fail for other reasons. What would be Yes or No is
	// Maybe then.
	Uncertain bool
	// Text is how the rule's own tool prints the condition, such as
	// "-d 10.0.0.0/8" or "ip daddr 10.0.0.0/8"; of a condition that is not
	// understood at least the name of its expression.
	Text string
}

// NotUnderstood returns a condition that can go either way.
func NotUnderstood(text string) Condition { return Condition{Text: text, Uncertain: true} }

// Understood tells whether the condition can be judged, given enough knowledge
// of the packet.
func (c Condition) Understood() bool { return len(c.Key) > 0 && !c.Uncertain }

// holds tells whether a packet meets the condition.
func (c Condition) holds(s state) Truth {
	if !c.Understood() {
		return Maybe
	}
	_, t := match(c.Key, c.Elements, s)
	if c.Negated {
		return t.Not()
	}
	return t
}

// match returns the elements that the key may be in, and whether it is in one
// of them.
func match(key []Operand, elements []Element, s state) (possible []Element, t Truth) {
	values := make([]value, len(key))
	for i, o := range key {
		values[i] = o.of(s)
	}
	for _, e := range elements {
		switch e.holds(key, values) {
		case Yes:
			return []Element{e}, Yes
		case Maybe:
			possible, t = append(possible, e), Maybe
		}
	}
	if len(key) == 1 && cover(possible, key[0], values[0]) {
		t = Yes
	}
	return possible, t
}

// cover tells whether the elements, which are disjoint, together have every
// value that the operand can have.
func cover(elements []Element, o Operand, v value) bool {
	next, high := o.bounds(v)
	for range elements { // each turn uses up one, in any order
		found := false
		for _, e := range elements {
			r := e.Key[0]
			if len(r.From) == len(next) && bytes.Compare(r.From, next) <= 0 && bytes.Compare(next, r.To) <= 0 {
				if bytes.Compare(high, r.To) <= 0 {
					return true
				}
				next, found = successor(r.To), true
				break
			}
		}
		if !found {
			return false
		}
	}
	return false
}

// successor returns b + 1. b is not the highest value.
func successor(b []byte) []byte {
	out := bytes.Clone(b)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			break
		}
	}
	return out
}

// DestinationIn returns the condition that the destination is in a range.
func DestinationIn(p netip.Prefix, negated bool, text string) Condition {
	f := FamilyOf(p.Addr())
	return addressIn(f, f.DestinationOffset(), p, negated, text)
}

// SourceIn returns the condition that the source is in a range.
func SourceIn(p netip.Prefix, negated bool, text string) Condition {
	f := FamilyOf(p.Addr())
	return addressIn(f, f.SourceOffset(), p, negated, text)
}

func addressIn(f Family, offset int, p netip.Prefix, negated bool, text string) Condition {
	r := RangeOf(p)
	return Condition{
		Key:      []Operand{{Field: NetworkHeader, Offset: offset, Length: f.addressBytes()}},
		Elements: []Element{{Key: []Range{{From: r.From.AsSlice(), To: r.To.AsSlice()}}}},
		Negated:  negated,
		Text:     text,
	}
}

// AddressRange is a range of addresses, both ends included.
type AddressRange struct{ From, To netip.Addr }

// RangeOf returns the addresses of a prefix.
func RangeOf(p netip.Prefix) AddressRange {
	b := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(b) // of the same length, so it is one
	return AddressRange{From: p.Masked().Addr(), To: last}
}

// Destinations returns the ranges of destinations that the condition names,
// negated or not; none if it asks for something else.
func (c Condition) Destinations(f Family) []AddressRange {
	return addresses(c.Key, c.Elements, f, f.DestinationOffset())
}

// Sources returns the ranges of sources that the condition names, negated or
// not; none if it asks for something else.
func (c Condition) Sources(f Family) []AddressRange {
	return addresses(c.Key, c.Elements, f, f.SourceOffset())
}

// Destinations returns the ranges of destinations that the map names.
func (m VerdictMap) Destinations(f Family) []AddressRange {
	return addresses(m.Key, m.Elements, f, f.DestinationOffset())
}

// Destinations returns the ranges of destinations that the rule's conditions
// and maps name, negated or not.
func (r Rule) Destinations(f Family) []AddressRange {
	var out []AddressRange
	for _, step := range r.Steps {
		switch step := step.(type) {
		case Condition:
			out = append(out, step.Destinations(f)...)
		case VerdictMap:
			out = append(out, step.Destinations(f)...)
		}
	}
	return out
}

// Contains tells whether an address of the same family lies in the range.
func (r AddressRange) Contains(a netip.Addr) bool {
	return r.From.Compare(a) <= 0 && a.Compare(r.To) <= 0
}

// Prefix returns the range as a prefix; false if it is none.
func (r AddressRange) Prefix() (netip.Prefix, bool) {
	for bits := range r.From.BitLen() + 1 {
		if p := netip.PrefixFrom(r.From, bits); RangeOf(p) == r {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// String returns the range as an address or a prefix if it is one, else as its
// two ends.
func (r AddressRange) String() string {
	if !r.From.IsValid() {
		return "an address that is not known"
	}
	if r.From == r.To {
		return r.From.String()
	}
	if p, ok := r.Prefix(); ok {
		return p.String()
	}
	return r.From.String() + "-" + r.To.String()
}

// addresses returns the ranges that the elements name for the address at an
// offset of the network header. An operand may be the first bytes of the
// address, as nft loads a prefix of whole bytes, or be masked by a prefix.
func addresses(key []Operand, elements []Element, f Family, offset int) []AddressRange {
	var out []AddressRange
	for i, o := range key {
		if o.Field != NetworkHeader || o.Offset != offset || o.Length > f.addressBytes() || o.Xor != nil {
			continue
		}
		for _, e := range elements {
			if len(e.Key) != len(key) || len(e.Key[i].From) != o.Length || len(e.Key[i].To) != o.Length {
				continue
			}
			from, to := make([]byte, f.addressBytes()), bytes.Repeat([]byte{0xff}, f.addressBytes())
			copy(from, e.Key[i].From)
			copy(to, e.Key[i].To)
			for j := range o.Mask {
				to[j] |= ^o.Mask[j]
			}
			first, _ := netip.AddrFromSlice(from)
			last, _ := netip.AddrFromSlice(to)
			out = append(out, AddressRange{first, last})
		}
	}
	return out
}
