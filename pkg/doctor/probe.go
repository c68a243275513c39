// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"iter"
	"net"
	"net/netip"
	"sort"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
)

// maxWork limits the packets that are sent through the rules. It is a number of
// rules and set elements to evaluate, and takes a few seconds.
const maxWork = 20_000_000

// minProbes is the minimum number of sources and of destinations, regardless of the
// cost.
const minProbes = 16

// probes are the packets to send through the rules, one from each source to each
// destination.
type probes struct {
	// sources has only the zero Addr, any source, if the file names no source.
	sources, destinations []netip.Addr
	omitted               int // addresses that exceed the limit
	// bitRule is a rule that tests the destination in another way than by ranges;
	// empty if there is none.
	bitRule string
}

// newProbes returns the packets to send through the rules of a family. policy contains
// the rules that traffic should follow. The addresses of the packets are the ends of
// each range that the file or a rule names, and the addresses beside them. The rules
// treat all addresses between two of these alike. If there are too many for maxWork,
// only the first ones are returned, which include those of the file.
func newProbes(n *Node, f netfilter.Family, policy []iptables.Rule) probes {
	public := publicAddress(f)
	sources, destinations := newBoundaries(public), newBoundaries(public)
	for _, r := range policy {
		if p := r.Destination; p.IsValid() {
			destinations.add(netfilter.RangeOf(p))
		}
		if p := r.Source; p.IsValid() {
			sources.add(netfilter.RangeOf(p))
		}
	}
	restricted := len(sources.addresses) > len(newBoundaries(public).addresses)
	cost, bitRule := 1, ""
	for _, t := range n.Rules.Tables {
		if t.Dormant || !t.HasFamily(f) {
			continue
		}
		for _, c := range t.Chains {
			for _, r := range c.Rules {
				ranges := r.Destinations(f)
				cost += 1 + len(ranges)
				if testsBits(r, f) {
					bitRule = r.Text
				}
				destinations.add(ranges...)
				if restricted {
					sources.add(r.Sources(f)...)
				}
			}
		}
	}
	p := probes{sources: []netip.Addr{{}}, destinations: destinations.addresses, bitRule: bitRule}
	if restricted {
		p.sources = sources.addresses
	}
	p.limit(maxWork / cost)
	return p
}

// testsBits reports whether a rule tests the destination in another way than by
// ranges, such as with the mask 0.0.255.0.
func testsBits(r netfilter.Rule, f netfilter.Family) bool {
	start := f.DestinationOffset()
	for _, step := range r.Steps {
		var key []netfilter.Operand
		switch step := step.(type) {
		case netfilter.Condition:
			key = step.Key
		case netfilter.VerdictMap:
			key = step.Key
		}
		for _, o := range key {
			inside := o.Field == netfilter.NetworkHeader && o.Offset >= start && o.Offset+o.Length <= start+f.AddressBytes()
			if inside && (o.Offset > start || !isPrefixMask(o.Mask)) {
				return true
			}
		}
	}
	return false
}

// isPrefixMask reports whether a mask is that of a prefix. No mask is one, too.
func isPrefixMask(mask []byte) bool {
	_, size := net.IPMask(mask).Size()
	return size == 8*len(mask)
}

// each returns the source and the destination of each packet.
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

// limit omits addresses, so that at most the given number of packets remain.
func (p *probes) limit(packets int) {
	cut := func(list []netip.Addr, n int) []netip.Addr {
		if n = max(n, minProbes); len(list) > n {
			p.omitted += len(list) - n
			list = list[:n]
		}
		sort.Slice(list, func(i, j int) bool { return list[i].Less(list[j]) }) // the order of the chains is random
		return list
	}
	p.sources = cut(p.sources, packets/min(len(p.destinations), max(packets/minProbes, 1)))
	p.destinations = cut(p.destinations, packets/len(p.sources))
}

// boundaries is a set of the ends of ranges and the addresses beside them.
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
