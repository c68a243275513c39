// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"iter"
	"net/netip"
	"slices"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

// maxWork bounds the packets that are sent through the rules, in rules and set
// elements evaluated. It is a few seconds.
const maxWork = 20_000_000

// minProbes is the minimum number of sources and of destinations, whatever they
// cost.
const minProbes = 16

// probes are the packets to send through the rules: each source to each
// destination.
type probes struct {
	// sources has the zero Addr alone, any source, if the file names no source.
	sources, destinations []netip.Addr
	left                  int // addresses that were left out
}

// newProbes returns the packets to send through the rules of a family. Their
// addresses are at and beside each end of each range that the file or a rule
// names. Between two of them no rule can tell addresses apart. If they are too
// many for the rules, the first ones are returned, the file's among them.
func newProbes(n Node, f netfilter.Family) probes {
	public := netip.MustParseAddr("8.8.8.8")
	if f == netfilter.IPv6 {
		public = netip.MustParseAddr("2001:4860:4860::8888")
	}
	sources, destinations := newBoundaries(public), newBoundaries(public)
	rules, _ := n.policy(f)
	for _, r := range rules {
		if p := r.Destination; p.IsValid() {
			destinations.add(netfilter.RangeOf(p))
		}
		if p := r.Source; p.IsValid() {
			sources.add(netfilter.RangeOf(p))
		}
	}
	restricted := len(sources.addresses) > len(newBoundaries(public).addresses)
	cost := 1
	for _, t := range n.Rules.Tables {
		if t.Dormant || !t.HasFamily(f) {
			continue
		}
		for _, c := range t.Chains {
			for _, r := range c.Rules {
				ranges := r.Destinations(f)
				cost += 1 + len(ranges)
				destinations.add(ranges...)
				if restricted {
					sources.add(sourcesOf(r, f)...)
				}
			}
		}
	}
	p := probes{sources: []netip.Addr{{}}, destinations: destinations.addresses}
	if restricted {
		p.sources = sources.addresses
	}
	p.limit(maxWork / cost)
	return p
}

// each returns the packets: their sources and destinations.
func (p probes) each() iter.Seq2[netip.Addr, netip.Addr] {
	return func(yield func(source, destination netip.Addr) bool) {
		for _, destination := range p.destinations {
			for _, source := range p.sources {
				if !yield(source, destination) {
					return
				}
			}
		}
	}
}

// limit leaves addresses out, so that not more than a number of packets remain.
func (p *probes) limit(packets int) {
	cut := func(list []netip.Addr, n int) []netip.Addr {
		if n = max(n, minProbes); len(list) > n {
			p.left += len(list) - n
			list = list[:n]
		}
		slices.SortFunc(list, netip.Addr.Compare) // the chains come in no order
		return list
	}
	p.sources = cut(p.sources, packets/min(len(p.destinations), max(packets/minProbes, 1)))
	p.destinations = cut(p.destinations, packets/len(p.sources))
}

// boundaries collects the addresses at and beside the ends of ranges, each once.
type boundaries struct {
	addresses []netip.Addr
	seen      map[netip.Addr]bool
}

func newBoundaries(of netip.Addr) *boundaries {
	b := &boundaries{seen: map[netip.Addr]bool{}}
	b.add(netfilter.AddressRange{From: of, To: of})
	return b
}

func (b *boundaries) add(ranges ...netfilter.AddressRange) {
	for _, r := range ranges {
		for _, a := range []netip.Addr{r.From.Prev(), r.From, r.To, r.To.Next()} {
			if a.IsValid() && !a.IsMulticast() && !b.seen[a] {
				b.seen[a] = true
				b.addresses = append(b.addresses, a)
			}
		}
	}
}

// sourcesOf returns the source ranges of a rule's conditions, negated or not.
func sourcesOf(r netfilter.Rule, f netfilter.Family) []netfilter.AddressRange {
	var out []netfilter.AddressRange
	for _, step := range r.Steps {
		if c, ok := step.(netfilter.Condition); ok {
			out = append(out, c.Sources(f)...)
		}
	}
	return out
}

// policy returns the rules that the file asks for. While the file is invalid the
// agent's own chain stands for it. policy returns false if that masquerades
// nothing or says more than the agent writes.
func (n Node) policy(f netfilter.Family) ([]iptables.Rule, bool) {
	if n.ConfigErr == nil {
		return n.Want[f].Rules, true
	}
	own := n.chain(n.Backend.Name, f, n.ChainName)
	if own == nil {
		return nil, false
	}
	rules, ok := iptables.ChainRules(f, own.Rules)
	return rules, ok && slices.ContainsFunc(rules, masquerades)
}

func masquerades(r iptables.Rule) bool { return r.Target == iptables.Masquerade }

// expectation is what should become of traffic to an address, and the range of
// the file that says so.
type expectation struct {
	fate    netfilter.Fate
	by      netip.Prefix // the zero Prefix is any destination
	outside bool         // the source is in no range of sourceCIDRs
}

// expected returns what the rules of [Node.policy] do with traffic.
func expected(rules []iptables.Rule, source, destination netip.Addr) expectation {
	e := expectation{fate: netfilter.Kept, outside: !masq.MasqueradesFrom(rules, source)}
	rule, ok := masq.Decide(rules, source, destination)
	if ok && masquerades(rule) {
		e.fate = netfilter.Masqueraded
	}
	if !e.outside {
		e.by = rule.Destination
	}
	return e
}
