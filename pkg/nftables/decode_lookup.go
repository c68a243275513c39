// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"bytes"
	"slices"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// lookup looks a key up in a set or a map.
func (d *decoder) lookup(a attributes) error {
	s, err := d.sets(a.string(unix.NFTA_LOOKUP_SET))
	if err != nil {
		return err
	}
	register := a.uint32(unix.NFTA_LOOKUP_SREG)
	negated := a.uint32(unix.NFTA_LOOKUP_FLAGS)&unix.NFT_LOOKUP_F_INV != 0
	keys, elements, ok := d.resolve(register, s)
	text := d.setText(keys, elements, s, negated)
	if a.has(unix.NFTA_LOOKUP_DREG) && a.uint32(unix.NFTA_LOOKUP_DREG) == unix.NFT_REG_VERDICT {
		d.verdictMap(keys, elements, s, ok, text)
		return nil
	}
	c := clause{order: byMatch, nft: text}
	if s.catchall != nil && ok { // every key is in the set
		ranges := make([]netfilter.Range, len(keys))
		for i, k := range keys {
			ranges[i] = netfilter.Range{From: make([]byte, k.operand.Length), To: bytes.Repeat([]byte{0xff}, k.operand.Length)}
		}
		elements = []netfilter.Element{{Key: ranges}}
	}
	if !ok || s.uncertain {
		d.add(netfilter.NotUnderstood(""), c)
	} else {
		d.condition(keys, elements, negated, c)
	}
	if a.has(unix.NFTA_LOOKUP_DREG) { // of a map
		d.registers.set(a.uint32(unix.NFTA_LOOKUP_DREG), opaque(words*wordBytes/4, text+" map"))
	}
	return nil
}

// verdictMap adds a verdict map. What follows in the rule is reached only by the
// verdict "continue" of an element.
func (d *decoder) verdictMap(keys []load, elements []netfilter.Element, s *set, ok bool, text string) {
	m := netfilter.VerdictMap{Elements: elements, Default: s.catchall, Uncertain: s.uncertain || !ok, Text: text}
	for _, k := range keys {
		if k.unsure || k.operand.Field == netfilter.Opaque {
			m.Uncertain = true
		}
		m.Key = append(m.Key, k.operand)
	}
	if !ok { // the elements name the chains to read
		m.Elements = nil
		for _, e := range s.elements {
			m.Elements = append(m.Elements, netfilter.Element{Verdict: e.verdict})
		}
	}
	goesOn := func(e netfilter.Element) bool { return e.Verdict.Action == netfilter.Continue }
	if slices.ContainsFunc(m.Elements, goesOn) || m.Default != nil && m.Default.Action == netfilter.Continue {
		m.Uncertain = true
	}
	d.effect(m, "", text)
	d.ended = true
}

// resolve returns the values that are looked up, and the elements of a set in
// terms of them. ok is false if they cannot be compared.
func (d *decoder) resolve(register uint32, s *set) (keys []load, elements []netfilter.Element, ok bool) {
	if len(s.elements) == 0 {
		return []load{d.registers.get(register)}, nil, true
	}
	keys, ok = d.registers.fields(register, len(s.elements[0].from))
	if !ok {
		return []load{d.registers.get(register)}, nil, false
	}
	host := make([]bool, len(keys))
	for i := range keys {
		host[i] = keys[i].host
		keys[i].host = false
	}
	for _, e := range s.elements {
		ranges := make([]netfilter.Range, 0, len(keys))
		at := 0
		for i, k := range keys {
			end := at + k.operand.Length
			if end > len(e.from) || end > len(e.to) {
				return keys, nil, false
			}
			r := netfilter.Range{From: e.from[at:end], To: e.to[at:end]}
			if host[i] {
				if !bytes.Equal(r.From, r.To) || len(r.From) != 4 && len(r.From) != 2 {
					return keys, nil, false
				}
				r = netfilter.Range{From: d.network(r.From), To: d.network(r.To)}
			}
			ranges = append(ranges, r)
			at += wordsOf(k.operand.Length) * wordBytes
		}
		elements = append(elements, netfilter.Element{Key: ranges, Verdict: e.verdict})
	}
	return keys, elements, true
}
