// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"net/netip"
	"slices"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

// maxWork bounds the addresses that are sent through the rules, in rules and
// set elements evaluated. It is a few seconds.
const maxWork = 20_000_000

// addresses returns the addresses to send through the rules of a family: those
// at and beside each end of each range that the file or a rule names. Between
// two of them no rule can tell addresses apart. If they are too many for the
// rules, the first ones are returned, the file's among them, with the number
// that was left out.
func addresses(n Node, f netfilter.Family) (out []netip.Addr, left int) {
	seen := map[netip.Addr]bool{}
	add := func(r netfilter.AddressRange) {
		for _, a := range []netip.Addr{r.From.Prev(), r.From, r.To, r.To.Next()} {
			if a.IsValid() && !a.IsMulticast() && !seen[a] {
				seen[a] = true
				out = append(out, a)
			}
		}
	}
	public := netip.MustParseAddr("8.8.8.8")
	if f == netfilter.IPv6 {
		public = netip.MustParseAddr("2001:4860:4860::8888")
	}
	add(netfilter.AddressRange{From: public, To: public})
	for _, r := range n.Want[f].Rules {
		if p := r.Destination; p.IsValid() {
			add(netfilter.RangeOf(p))
		}
	}
	cost := 1
	for _, t := range n.Rules.Tables {
		if t.Dormant || !t.HasFamily(f) {
			continue
		}
		for _, c := range t.Chains {
			for _, r := range c.Rules {
				ranges := r.Destinations(f)
				cost += 1 + len(ranges)
				for _, d := range ranges {
					add(d)
				}
			}
		}
	}
	if limit := max(maxWork/cost, 16); len(out) > limit {
		out, left = out[:limit], len(out)-limit
	}
	slices.SortFunc(out, netip.Addr.Compare) // the chains come in no order
	return out, left
}

// expectation is what should become of traffic to an address, and the range of
// the file that says so.
type expectation struct {
	fate netfilter.Fate
	by   netip.Prefix // the zero Prefix is any destination
}

// expected returns what the file says of an address; false if it says nothing.
// While the file is invalid the agent's own chain stands for it.
func (n Node) expected(f netfilter.Family, a netip.Addr) (expectation, bool) {
	rules := n.Want[f].Rules
	if n.ConfigErr != nil {
		own := n.chain(n.Backend.Name, f, n.ChainName)
		if own == nil || own.Rules == nil {
			return expectation{}, false
		}
		listed, ok := iptables.ChainRules(f, own.Rules)
		if !ok {
			return expectation{}, false
		}
		rules = listed
	}
	rule, ok := masq.Decide(rules, a)
	if !ok {
		return expectation{}, false
	}
	e := expectation{fate: netfilter.Kept, by: rule.Destination}
	if rule.Target == iptables.Masquerade {
		e.fate = netfilter.Masqueraded
	}
	return e, true
}
