// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
)

// sameKind reports whether a set has the right flags. Other kernels and other
// versions of nft describe the keys differently.
func (s *setLayout) sameKind(have *set) bool {
	return have.flags == s.flags() && have.verdicts == s.verdicts && have.catchall == nil && !have.uncertain
}

// compare returns the elements that differ.
func (s *setLayout) compare(have *set) setDifference {
	left := map[string]bool{}
	d := setDifference{set: s}
	for _, e := range s.elements {
		left[e.identity()] = true
	}
	same := map[string]bool{}
	for _, h := range have.elements {
		e := elementLayout{from: h.from, to: h.to, chain: h.verdict.Chain, found: h.verdict}
		id := e.identity()
		if wrong := s.verdicts && h.verdict.Action != s.action(); wrong || !left[id] {
			d.remove = append(d.remove, e)
			continue
		}
		same[id] = true
	}
	for _, e := range s.elements {
		if !same[e.identity()] {
			d.add = append(d.add, e)
		}
	}
	return d
}

// identity returns everything on which the meaning of an element depends.
func (e elementLayout) identity() string {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(e.from)))
	return string(bytes.Join([][]byte{b, e.from, e.to, []byte(e.chain)}, nil))
}

// foundText returns an element of the kernel as nft(8) prints it.
func (s *setLayout) foundText(e elementLayout) string {
	text := fmt.Sprintf("%x-%x", e.from, e.to)
	from, okFrom := netip.AddrFromSlice(e.from)
	to, okTo := netip.AddrFromSlice(e.to)
	if okFrom && okTo {
		text = Interval{From: from, To: to}.text()
	}
	if s.verdicts {
		text += " : " + nftVerdict(e.found)
	}
	return text
}

// of names the set of an element that has no verdict. One with a verdict is of
// the only verdict map.
func (s *setLayout) of() string {
	if s.verdicts {
		return ""
	}
	return " of set " + s.name
}
