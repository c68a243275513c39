// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// rules returns the rules of the chain whose first entry is at an offset. It
// returns false if data ends before the chain does, or a rule says anything that
// a Rule cannot: the caller then reads the table in another way.
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

// isEnd reports whether this can be the entry with which iptables ends a chain.
func (e entry) isEnd() bool {
	v, ok := e.verdict()
	return ok && v == verdictReturn && e.target == e.layout.size
}

// jumps returns the rules of POSTROUTING, from one offset up to another, of which
// each that goes to the chain that begins at target is understood and all others
// are left out as NotUnderstood. It returns false like rules.
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

// netfilterRule returns an entry's rule in the terms that all backends share.
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
	if r.Comment != "" { // a rule of others may have none
		fmt.Fprintf(&b, "-m comment --comment %s ", quote(r.Comment))
	}
	if r.NotLocal {
		b.WriteString("-m addrtype ! --dst-type LOCAL ")
	}
	if r.Probability != 0 {
		fmt.Fprintf(&b, "-m statistic --mode random --probability %.11f ", r.Probability)
	}
	b.WriteString("-j " + r.Target)
	if r.ToPorts != (PortRange{}) {
		fmt.Fprintf(&b, " --to-ports %s", r.ToPorts)
	}
	if r.RandomFully {
		b.WriteString(" --random-fully")
	}
	return b.String()
}

// verdict returns the verdict of an entry with a standard target: a negative one
// ends the chain or the table, another is the offset of the entry to go to.
func (e entry) verdict() (int32, bool) {
	x := extensionAt(e.data[e.target:])
	if x.name != "" || x.revision != 0 || len(x.info) < 4 {
		return 0, false
	}
	return int32(binary.NativeEndian.Uint32(x.info)), true
}

// rule returns an entry as a Rule, without the name of a chain that it jumps to;
// false if it says more than a Rule can.
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

// conditions takes over what an entry says of addresses, interfaces and the
// protocol.
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

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// prefixOfMask returns the prefix of an address and a mask, the zero Prefix if the
// mask selects nothing. It returns false if the ones of the mask are not all at
// its start.
func prefixOfMask(address, mask []byte) (netip.Prefix, bool) {
	if zero(mask) {
		return netip.Prefix{}, true
	}
	addr, _ := netip.AddrFromSlice(address)
	ones, size := net.IPMask(mask).Size()
	return netip.PrefixFrom(addr, ones), size > 0
}
