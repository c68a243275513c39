// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package predict

import (
	"slices"

	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

// Rules are the NAT rules of a node, of all programs, and the name of the agent's
// chain.
type Rules struct {
	netfilter.Ruleset
	Chain string
	// reached are the tables in which packets reach the agent's rules.
	reached map[*netfilter.Table]bool
}

// New returns Rules. The tables must not change afterwards.
func New(rules netfilter.Ruleset, chain string) Rules {
	r := Rules{Ruleset: rules, Chain: chain, reached: map[*netfilter.Table]bool{}}
	for _, t := range rules.Tables {
		for c := range Reachable(t) {
			if r.Manages(netfilter.Place{Table: t, Chain: c}) {
				r.reached[t] = true
			}
		}
	}
	return r
}

// Reachable returns the chains that packets can reach from the base chains of a
// table.
func Reachable(t *netfilter.Table) map[*netfilter.Chain]bool {
	found := map[*netfilter.Chain]bool{}
	var open []*netfilter.Chain
	add := func(c *netfilter.Chain) {
		if c != nil && !found[c] {
			found[c] = true
			open = append(open, c)
		}
	}
	for _, c := range t.Chains {
		if c.Base && !t.Dormant {
			add(c)
		}
	}
	for len(open) > 0 {
		c := open[len(open)-1]
		open = open[:len(open)-1]
		for i := range c.Rules {
			for _, name := range c.Rules[i].Targets() {
				add(t.Chains[name])
			}
		}
	}
	return found
}

// Manages reports whether the agent manages the chain of a place: its chain of
// iptables' nat table, or a chain of its nftables table.
func (r Rules) Manages(p netfilter.Place) bool { return masq.Owns(p, r.Chain) }

// Reaches reports whether packets that pass a table reach the agent's rules there.
func (r Rules) Reaches(t *netfilter.Table) bool { return r.reached[t] }

// NoHook returns the table of a family in which iptables' chain POSTROUTING leads to
// the agent's chain, but is not at the hook: packets do not pass it. It returns nil
// if there is none.
func (r Rules) NoHook(f netfilter.Family) *netfilter.Table {
	for _, t := range r.Tables {
		entry := t.Chains[Postrouting]
		if t.Name != masq.SharedTable || !t.HasFamily(f) || entry == nil || entry.Base {
			continue
		}
		return t
	}
	return nil
}

// Decision is what the rules in the kernel do with a packet.
type Decision struct {
	netfilter.Result
	// By is the rule that decides. It is the zero Place if no rule does, or if the
	// fate is Undetermined. Via are the rules that lead to it.
	By  netfilter.Place
	Via []netfilter.Place
	To  netfilter.AddressRange // of the fate Translated
}

// Decide returns what happens to a packet, and the rule that decides.
func (r Rules) Decide(p netfilter.Packet) Decision {
	d := Decision{Result: r.Walk(p)}
	switch d.Fate() {
	case netfilter.Undetermined:
	case netfilter.Kept:
		if e, found := r.keeping(d.Result); found {
			d.By, d.Via = e.Place, e.Via
		}
	default:
		o := surest(d.Outcomes)
		d.By, d.Via, d.To = o.By, o.Via, o.To
	}
	return d
}

// surest returns, of outcomes that agree, the last one whose rule matches for
// certain, or else the last: it matches what the rules before it leave. Of base
// chains with equal priority the last need not be the one that matches.
func surest(outcomes []netfilter.Outcome) netfilter.Outcome {
	out := outcomes[len(outcomes)-1]
	for _, o := range outcomes {
		if len(o.Doubts) == 0 {
			out = o
		}
	}
	return out
}

// keeping returns the exit because of which a packet keeps its source address: an
// exit of the agent's rules that is certain, or else one that bypasses them. Of the
// agent's, it prefers an exit that the packet reaches for certain: if the source is
// any pod, the rule that sends other sources to chain kept may not match.
func (r Rules) keeping(result netfilter.Result) (netfilter.Exit, bool) {
	var own []netfilter.Exit
	for _, e := range result.Exits {
		if e.Certain && r.Manages(e.Place) {
			own = append(own, e)
		}
	}
	if i := slices.IndexFunc(own, func(e netfilter.Exit) bool { return len(e.Doubts) == 0 }); i >= 0 {
		return own[i], true
	}
	if len(own) > 0 {
		return own[0], true
	}
	for _, e := range r.Bypasses(result) {
		if e.Certain {
			return e, true
		}
	}
	return netfilter.Exit{}, false
}

// Bypasses returns the exits through which a packet may leave a base chain without
// passing the agent's rules there. An exit of another base chain does not matter:
// the packet still passes the agent's.
func (r Rules) Bypasses(result netfilter.Result) []netfilter.Exit {
	var out []netfilter.Exit
	for _, e := range result.Exits {
		if e.Ends && !r.Manages(e.Place) && r.Reaches(e.Table) {
			out = append(out, e)
		}
	}
	return out
}
