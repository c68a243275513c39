// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// understand returns the condition for an option of iptables(8) or
// iptables-extensions(8) that has one argument.
func understand(f netfilter.Family, option, argument string) netfilter.Condition {
	var key netfilter.Operand
	var elements []netfilter.Element
	ok := false
	switch option {
	case "-s":
		key, elements, ok = address(f, f.SourceOffset(), argument)
	case "-d":
		key, elements, ok = address(f, f.DestinationOffset(), argument)
	case "-o":
		key, elements, ok = outInterface(argument)
	case "-p":
		key, elements, ok = protocol(argument)
	case "--dst-type":
		key = netfilter.Operand{Field: netfilter.DestinationType, Length: 4}
		elements, ok = addressTypes(argument)
	case "--src-type":
		key = netfilter.Operand{Field: netfilter.SourceType, Length: 4}
		elements, ok = addressTypes(argument)
	case "--mark":
		key, elements, ok = mark(argument)
	case "--probability":
		key, elements, ok = probability(argument)
	}
	if !ok {
		return netfilter.NotUnderstood(option)
	}
	return netfilter.Condition{Key: []netfilter.Operand{key}, Elements: elements}
}

// one returns the elements of a key that has one value.
func one(b []byte) []netfilter.Element { return between(b, b) }

func between(from, to []byte) []netfilter.Element {
	return []netfilter.Element{{Key: []netfilter.Range{{From: from, To: to}}}}
}

// address parses A, A/LENGTH or A/MASK; a mask may have holes.
func address(f netfilter.Family, offset int, argument string) (netfilter.Operand, []netfilter.Element, bool) {
	word, length, hasMask := strings.Cut(argument, "/")
	addr, err := netip.ParseAddr(word)
	if err != nil || netfilter.FamilyOf(addr) != f {
		return netfilter.Operand{}, nil, false
	}
	mask := netip.PrefixFrom(addr, addr.BitLen())
	if hasMask {
		if bits, err := strconv.Atoi(length); err == nil && bits >= 0 && bits <= addr.BitLen() {
			mask = netip.PrefixFrom(addr, bits)
		} else {
			return holed(f, offset, addr, length)
		}
	}
	in := netfilter.DestinationIn
	if offset == f.SourceOffset() {
		in = netfilter.SourceIn
	}
	c := in(mask, false, "")
	return c.Key[0], c.Elements, true
}

// holed parses the mask of an address that is not a prefix.
func holed(f netfilter.Family, offset int, addr netip.Addr, word string) (netfilter.Operand, []netfilter.Element, bool) {
	mask, err := netip.ParseAddr(word)
	if err != nil || netfilter.FamilyOf(mask) != f {
		return netfilter.Operand{}, nil, false
	}
	value := addr.AsSlice()
	for i, m := range mask.AsSlice() {
		value[i] &= m
	}
	return netfilter.Operand{Field: netfilter.NetworkHeader, Offset: offset, Length: len(value), Mask: mask.AsSlice()}, one(value), true
}

// outInterface parses a name; one that ends in + is the start of a name.
func outInterface(argument string) (netfilter.Operand, []netfilter.Element, bool) {
	name, isStart := strings.CutSuffix(argument, "+")
	if len(name) >= netfilter.InterfaceBytes || name == "" {
		return netfilter.Operand{}, nil, false
	}
	value := []byte(name)
	if !isStart {
		value = make([]byte, netfilter.InterfaceBytes)
		copy(value, name)
	}
	return netfilter.Operand{Field: netfilter.OutName, Length: len(value)}, one(value), true
}

// protocols are the names that iptables prints, where it finds them in
// /etc/protocols.
func protocols() map[string]uint8 {
	return map[string]uint8{"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51,
		"ipv6-icmp": 58, "icmpv6": 58, "ipip": 94, "sctp": 132, "udplite": 136}
}

func protocol(argument string) (netfilter.Operand, []netfilter.Element, bool) {
	n, known := protocols()[argument]
	if !known {
		parsed, err := strconv.ParseUint(argument, 10, 8)
		if err != nil || parsed == 0 {
			return netfilter.Operand{}, nil, false
		}
		n = uint8(parsed)
	}
	return netfilter.Operand{Field: netfilter.L4Proto, Length: 1}, one([]byte{n}), true
}

// addressTypes parses the types of -m addrtype.
func addressTypes(argument string) ([]netfilter.Element, bool) {
	var out []netfilter.Element
	for word := range strings.SplitSeq(argument, ",") {
		n := slices.Index(netfilter.TypeNames(), word)
		if n < 0 {
			return nil, false
		}
		out = append(out, one(netfilter.Number(uint32(n)))...)
	}
	return out, true
}

// mark parses VALUE or VALUE/MASK.
func mark(argument string) (netfilter.Operand, []netfilter.Element, bool) {
	value, mask, ok := masked(argument)
	if !ok {
		return netfilter.Operand{}, nil, false
	}
	key := netfilter.Operand{Field: netfilter.Mark, Length: 4}
	if mask != math.MaxUint32 {
		key.Mask = netfilter.Number(mask)
	}
	return key, one(netfilter.Number(value)), true
}

// masked parses VALUE or VALUE/MASK, of 32 bits.
func masked(argument string) (value, mask uint32, ok bool) {
	first, second, hasMask := strings.Cut(argument, "/")
	v, err := strconv.ParseUint(first, 0, 32)
	m := uint64(math.MaxUint32)
	if err == nil && hasMask {
		m, err = strconv.ParseUint(second, 0, 32)
	}
	return uint32(v), uint32(m), err == nil
}

// randomBits is the resolution of a probability in the kernel: fractions of 2^31
// (xt_statistic.h).
const randomBits = 31

// probability parses the P of -m statistic --mode random --probability P.
func probability(argument string) (netfilter.Operand, []netfilter.Element, bool) {
	p, err := strconv.ParseFloat(argument, 64)
	if err != nil || p < 0 || p > 1 {
		return netfilter.Operand{}, nil, false
	}
	key := netfilter.Operand{Field: netfilter.Random, Length: 4, High: 1<<randomBits - 1}
	n := uint32(math.Round(p * (1 << randomBits)))
	if n == 0 {
		return key, nil, true // never
	}
	return key, between(netfilter.Number(0), netfilter.Number(n-1)), true
}
