// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

// foreignRules finds the rules of others that decide about our traffic. It
// sends addresses through each of them that lie at every boundary of the
// ranges named there or in our chain: between two of those no rule can tell
// addresses apart.
func foreignRules(n Node) []Finding {
	var out []Finding
	for _, t := range n.Tables {
		if t.Err != nil || (t.Family == netfilter.IPv6 && !n.IPv6) {
			continue
		}
		out = append(out, foreign(n, t)...)
	}
	if len(out) == 0 && n.BackendErr == nil {
		out = append(out, n.fine("foreign-rule", "no rule of others masquerades what the chain keeps"))
	}
	return out
}

func foreign(n Node, t Table) []Finding {
	entries := t.Chains[iptables.Postrouting].Entries
	ours := t.Chains[iptables.Postrouting].Jumps(n.ChainName)
	probes := probes(n, t)
	var groups []*conflict
	for i, e := range entries {
		if e.Target == n.ChainName || slices.Contains(agentChains(), e.Target) {
			continue
		}
		before := t.Backend == n.Backend.Backend && len(ours) > 0 && i < ours[0]
		c := collide(n, t, e, probes)
		if c == nil || (!before && len(c.kept) == 0) {
			continue
		}
		c.before = before
		same := slices.IndexFunc(groups, func(g *conflict) bool { return g.alike(c) })
		if same < 0 {
			groups = append(groups, c)
		} else {
			groups[same].more++
		}
	}
	var out []Finding
	for _, c := range groups {
		out = append(out, c.finding(n, t))
	}
	return out
}

// conflict is a rule of POSTROUTING, and what it does to traffic of ours.
type conflict struct {
	entry   iptables.Entry // of POSTROUTING
	rule    iptables.Entry // that masquerades: entry, or one it leads to
	kept    []netip.Prefix // that the chain keeps and the rule masquerades
	before  bool           // our jump
	unknown []string       // conditions that cannot be judged
	more    int            // rules that are alike
}

// alike tells whether two conflicts are one to the reader, such as those of the
// chains that a CNI plugin makes for each pod.
func (c *conflict) alike(o *conflict) bool {
	return c.before == o.before && who(c.entry) == who(o.entry) && c.entry.Target != iptables.Masquerade &&
		c.rule.Conditions() == o.rule.Conditions() && slices.Equal(c.kept, o.kept)
}

// collide sends the probes into one entry; nil if it masquerades none.
func collide(n Node, t Table, e iptables.Entry, probes []netip.Addr) *conflict {
	var c *conflict
	for _, dst := range probes {
		// A probe says nothing of its source or its device: a rule that asks
		// for them takes some of the traffic.
		for _, d := range t.Chains.Rule(e, iptables.Packet{Destination: dst}) {
			if d.Verdict != masq.Masquerade {
				continue
			}
			if c == nil {
				c = &conflict{entry: e, rule: d.Rule, unknown: e.Unknown()}
				if d.Rule.Chain != e.Chain {
					c.unknown = append(c.unknown, d.Rule.Unknown()...)
				}
			}
			rule, ok := masq.Decide(n.rules(t), dst)
			if ok && rule.Target == iptables.Return && !slices.Contains(c.kept, rule.Destination) {
				c.kept = append(c.kept, rule.Destination)
			}
		}
	}
	return c
}

// probes are the addresses at and beside each end of each range that is named.
func probes(n Node, t Table) []netip.Addr {
	seen := map[netip.Prefix]bool{}
	var out []netip.Addr
	add := func(p netip.Prefix) {
		if !p.IsValid() || seen[p.Masked()] {
			return
		}
		seen[p.Masked()] = true
		first, last := p.Masked().Addr(), masq.Last(p)
		for _, a := range []netip.Addr{first.Prev(), first, last, last.Next()} {
			if a.IsValid() && !a.IsMulticast() && !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	for _, r := range n.rules(t) {
		add(r.Destination)
	}
	for _, list := range t.Chains {
		for _, e := range list.Entries {
			add(e.Prefix("-d"))
		}
	}
	slices.SortFunc(out, netip.Addr.Compare) // the chains come in no order
	if t.Family == netfilter.IPv4 {
		return append(out, netip.MustParseAddr("8.8.8.8"))
	}
	return append(out, netip.MustParseAddr("2001:4860:4860::8888"))
}

func (c *conflict) finding(n Node, t Table) Finding {
	f := Finding{Check: "foreign-rule", Severity: Warning, Family: t.Family.String(), Rules: []string{c.entry.String()}}
	if c.rule.Chain != c.entry.Chain {
		f.Rules = append(f.Rules, c.rule.String())
	}
	place := "after our jump"
	if t.Backend != n.Backend.Backend {
		place = "in the " + string(t.Backend) + " tables"
	} else if c.before {
		place = "before our jump"
	}
	name, masquerades, leaves := who(c.entry), "masquerades", "leaves"
	if c.more > 0 {
		name, masquerades = fmt.Sprintf("%s and %d more like it", name, c.more), "masquerade"
	}
	if len(c.unknown) > 0 {
		masquerades, leaves = "may masquerade", "may leave"
	}
	if len(c.kept) == 0 {
		f.Severity = Info
		f.What = fmt.Sprintf("%s, %s, %s what the chain would masquerade", name, place, masquerades)
		f.Consequence = fmt.Sprintf("such traffic %s as that rule says; --to-ports and --random-fully do not apply to it", leaves)
		return f
	}
	f.What = fmt.Sprintf("%s, %s, %s what the chain keeps", name, place, masquerades)
	f.Consequence = fmt.Sprintf("traffic%s to %s %s with the node's address, though the file keeps the pod's", from(c), join(c.kept), leaves)
	f.Severity, f.Remedy = remedy(c.entry)
	return f
}

func from(c *conflict) string {
	for _, e := range []iptables.Entry{c.entry, c.rule} {
		if p := e.Prefix("-s"); p.IsValid() && c.more == 0 {
			return " from " + p.String()
		}
	}
	return ""
}

func join(list []netip.Prefix) string {
	var words []string
	for _, p := range list {
		words = append(words, p.String())
	}
	return strings.Join(words, ", ")
}
