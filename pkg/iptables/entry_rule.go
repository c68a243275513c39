// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// rules returns the rules of the chain whose first entry is at an offset. It returns
// false if data ends before the chain does, or if a Rule cannot represent one of the
// rules. The caller then reads the table in another way.
func (t entries) rules(chain string, first int) ([]netfilter.Rule, bool) {
	var out []netfilter.Rule
	for offset := first; ; {
		e, ok := t.at(offset)
		if !ok {
			return nil, false
		}
		offset = e.next()
		next, ok := t.at(offset)
		if !ok {
			return nil, false
		}
		if _, begins := next.chainName(); begins {
			return out, e.isEnd()
		}
		rule, ok := t.rule(e)
		if !ok {
			return nil, false
		}
		out = append(out, t.netfilterRule(chain, e, rule))
	}
}

// isEnd reports whether the entry can be the one with which iptables ends a chain.
func (e entry) isEnd() bool {
	v, ok := e.verdict()
	return ok && v == verdictReturn && e.target == e.layout.size
}

// jumps returns the rules of POSTROUTING, which are between two offsets. It decodes
// only the rules that go to the chain at target. Each other rule is one condition
// that is NotUnderstood. It returns false in the same cases as rules.
func (t entries) jumps(from, to int, chain string, target int) ([]netfilter.Rule, bool) {
	var out []netfilter.Rule
	for offset := from; offset != to; {
		e, ok := t.at(offset)
		if !ok || offset > to {
			return nil, false
		}
		offset = e.next()
		if v, ok := e.verdict(); !ok || target == 0 || v != int32(target) {
			out = append(out, netfilter.Rule{Steps: []netfilter.Step{netfilter.NotUnderstood("")}})
			continue
		}
		rule, ok := t.rule(e)
		if !ok {
			return nil, false
		}
		rule.Target = chain
		out = append(out, t.netfilterRule(postrouting, e, rule))
	}
	return out, true
}

// netfilterRule returns the rule of an entry in the model that all backends share.
func (t entries) netfilterRule(chain string, e entry, rule Rule) netfilter.Rule {
	packets := binary.NativeEndian.Uint64(e.data[e.layout.counters:])
	bytes := binary.NativeEndian.Uint64(e.data[e.layout.counters+8:])
	return parseRule(t.family, chain, fmt.Sprintf("-c %d %d %s", packets, bytes, rule.listed()))
}

// listed returns the rule in the order in which iptables -S prints it: conditions
// first.
func (r Rule) listed() string {
	var b strings.Builder
	if r.Source.IsValid() {
		fmt.Fprintf(&b, "-s %s ", r.Source)
	}
	if r.Destination.IsValid() {
		fmt.Fprintf(&b, "-d %s ", r.Destination)
	}
	if r.Protocol != "" {
		fmt.Fprintf(&b, "-p %s ", r.Protocol)
	}
	if r.Comment != "" { // a rule of another program may have none
		fmt.Fprintf(&b, "-m comment --comment %s ", quote(r.Comment))
	}
	if r.NotLocal {
		b.WriteString("-m addrtype ! --dst-type LOCAL ")
	}
	if r.Probability != 0 {
		fmt.Fprintf(&b, "-m statistic --mode random --probability %.11f ", r.Probability)
	}
	b.WriteString("-j " + r.Target)
	if r.ToPorts != (netfilter.PortRange{}) {
		fmt.Fprintf(&b, " --to-ports %s", r.ToPorts)
	}
	if r.RandomFully {
		b.WriteString(" --random-fully")
	}
	return b.String()
}

// verdict returns the verdict of an entry with a standard target, and false for any
// other target. A negative verdict ends the chain or the table; any other is the
// offset of the entry to go to.
func (e entry) verdict() (int32, bool) {
	x := extensionAt(e.data[e.target:])
	if x.name != "" || x.revision != 0 || len(x.info) < 4 {
		return 0, false
	}
	return int32(binary.NativeEndian.Uint32(x.info)), true
}

// rule returns an entry as a Rule, without the name of a chain that it jumps to. It
// returns false if a Rule cannot represent the entry.
func (t entries) rule(e entry) (Rule, bool) {
	var r Rule
	if !t.conditions(e, &r) {
		return Rule{}, false
	}
	for at := e.layout.size; at < e.target; {
		if at+extensionHeader > e.target {
			return Rule{}, false
		}
		size := int(binary.NativeEndian.Uint16(e.data[at:]))
		if size < extensionHeader || at+size > e.target || !matchOf(extensionAt(e.data[at:at+size]), &r) {
			return Rule{}, false
		}
		at += size
	}
	return r, t.targetOf(e, &r)
}

// conditions copies the conditions on addresses and the protocol to a Rule. It returns
// false if there are others.
func (t entries) conditions(e entry, r *Rule) bool {
	l, d := e.layout, e.data
	flags := d[l.flags] &^ l.protoFlag
	if !zero(d[l.interfaces:l.protocol]) || flags != 0 || d[l.flags+1] != 0 {
		return false
	}
	address := func(n int) []byte { return d[n*l.address : (n+1)*l.address] }
	var ok1, ok2 bool
	r.Source, ok1 = prefixOfMask(address(0), address(2))
	r.Destination, ok2 = prefixOfMask(address(1), address(3))
	if !ok1 || !ok2 {
		return false
	}
	switch n := binary.NativeEndian.Uint16(d[l.protocol:]); n {
	case 0:
	case 6, 17, 132:
		r.Protocol = map[uint16]string{6: "tcp", 17: "udp", 132: "sctp"}[n]
	default:
		return false
	}
	return true
}

func zero(b []byte) bool { return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) }

// prefixOfMask returns the prefix of an address and a mask. It is the zero Prefix if
// the mask is 0. prefixOfMask returns false if the mask is not one of a prefix.
func prefixOfMask(address, mask []byte) (netip.Prefix, bool) {
	if zero(mask) {
		return netip.Prefix{}, true
	}
	addr, _ := netip.AddrFromSlice(address)
	ones, size := net.IPMask(mask).Size()
	return netip.PrefixFrom(addr, ones), size > 0
}
