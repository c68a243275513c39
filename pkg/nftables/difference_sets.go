// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"

	"ip-masq-agent/pkg/netfilter"
)

// sameKind reports whether a set has the right flags. Other kernels and other
// versions of nft describe the keys differently.
func (s *setLayout) sameKind(have *set) bool {
	return have.flags == s.flags() && have.verdicts == s.verdicts && have.catchall == nil && !have.uncertain
}

// compare returns the elements that differ.
func (s *setLayout) compare(have *set) setDifference {
	d := setDifference{set: s}
	wanted, same := map[string]bool{}, map[string]bool{}
	for _, e := range s.elements {
		wanted[e.identity()] = true
	}
	for _, h := range have.elements {
		e := elementLayout{from: h.from, to: h.to, verdict: h.verdict}
		if id := e.identity(); wanted[id] {
			same[id] = true
		} else {
			d.remove = append(d.remove, e)
		}
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
	return string(bytes.Join([][]byte{b, e.from, e.to, {byte(e.verdict.Action)}, []byte(e.verdict.Chain)}, nil))
}

// foundText returns an element of the kernel as nft(8) prints it.
func (s *setLayout) foundText(e elementLayout) string {
	e.text = fmt.Sprintf("%x-%x", e.from, e.to)
	from, okFrom := netip.AddrFromSlice(e.from)
	to, okTo := netip.AddrFromSlice(e.to)
	if okFrom && okTo {
		e.text = netfilter.AddressRange{From: from, To: to}.String()
	}
	return s.elementText(e)
}

// of names the set of an element that has no verdict. One with a verdict is of
// the only verdict map.
func (s *setLayout) of() string {
	if s.verdicts {
		return ""
	}
	return " of set " + s.name
}
