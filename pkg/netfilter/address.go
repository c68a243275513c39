// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"bytes"
	"net/netip"
	"slices"

	"go4.org/netipx"
)

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
		Key:      []Operand{{Field: NetworkHeader, Offset: offset, Length: f.AddressBytes()}},
		Elements: []Element{{Key: []Range{{From: r.From.AsSlice(), To: r.To.AsSlice()}}}},
		Negated:  negated,
		Text:     text,
	}
}

// AddressRange is a range of addresses, both ends included.
type AddressRange struct{ From, To netip.Addr }

// RangeOf returns the addresses of a prefix.
func RangeOf(p netip.Prefix) AddressRange {
	return AddressRange{From: p.Masked().Addr(), To: netipx.PrefixLastIP(p)}
}

// Destinations returns the destination ranges of the condition, negated or
// not. There are none if the condition tests something else.
func (c Condition) Destinations(f Family) []AddressRange {
	return addresses(c.Key, c.Elements, f, f.DestinationOffset())
}

// Sources returns the source ranges of the condition, negated or not. There
// are none if the condition tests something else.
func (c Condition) Sources(f Family) []AddressRange {
	return addresses(c.Key, c.Elements, f, f.SourceOffset())
}

// TestsSource reports whether the condition tests the source address. Sources cannot
// tell this of an empty set.
func (c Condition) TestsSource(f Family) bool {
	return slices.ContainsFunc(c.Key, func(o Operand) bool {
		return o.Field == NetworkHeader && o.Offset == f.SourceOffset() && o.Length <= f.AddressBytes()
	})
}

// Destinations returns the destination ranges of the map.
func (m VerdictMap) Destinations(f Family) []AddressRange {
	return addresses(m.Key, m.Elements, f, f.DestinationOffset())
}

// Destinations returns the destination ranges of the rule's conditions and
// maps, negated or not.
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

// Sources returns the source ranges of the rule's conditions, negated or not.
func (r Rule) Sources(f Family) []AddressRange {
	var out []AddressRange
	for _, c := range r.Conditions() {
		out = append(out, c.Sources(f)...)
	}
	return out
}

// Contains reports whether an address of the same family lies in the range.
func (r AddressRange) Contains(a netip.Addr) bool {
	return r.From.Compare(a) <= 0 && a.Compare(r.To) <= 0
}

// Prefix returns the range as a prefix, and false if it is not one prefix.
func (r AddressRange) Prefix() (netip.Prefix, bool) {
	return netipx.IPRangeFrom(r.From, r.To).Prefix()
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

// addresses returns the ranges that the elements give for the address at an
// offset of the network header. An operand may be only the first bytes of the
// address, because nft loads a prefix of whole bytes that way, or be masked.
func addresses(key []Operand, elements []Element, f Family, offset int) []AddressRange {
	var out []AddressRange
	for i, o := range key {
		if o.Field != NetworkHeader || o.Offset != offset || o.Length > f.AddressBytes() || o.Xor != nil {
			continue
		}
		for _, e := range elements {
			if len(e.Key) != len(key) || len(e.Key[i].From) != o.Length || len(e.Key[i].To) != o.Length {
				continue
			}
			from, to := make([]byte, f.AddressBytes()), bytes.Repeat([]byte{0xff}, f.AddressBytes())
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
