// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package packets_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
)

// generator creates a random rule set.
type generator struct {
	*rand.Rand
	commands []command
	focus    map[*network][]netip.Prefix // CIDRs that appear in rules, file and questions
	// unclear is the percentage of conditions on which the outcome cannot be
	// predicted from the question, such as a rate limit.
	unclear int
	names   int // number of generated names
}

// generate returns the rule set of a seed, and the generator, which also
// creates the questions.
func generate(seed uint64) (ruleset, *generator) {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 11)), focus: map[*network][]netip.Prefix{}}
	for _, n := range networks() {
		for range 4 {
			g.focus[n] = append(g.focus[n], pick(g, n.prefixes))
		}
	}
	if g.chance(30) {
		g.unclear = 25
	}
	parts := []func(){g.ownTable, g.ownTable, g.natTable, g.natTable, g.legacyTable, g.mangle}
	g.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	for _, part := range parts[:1+g.IntN(3)] {
		part()
	}
	r := ruleset{commands: g.commands, afterStart: len(g.commands), config: g.config()}
	if g.chance(55) {
		r.agent = pick(g, agentBackends)
	}
	if g.chance(30) {
		r.afterStart = g.IntN(len(g.commands) + 1)
	}
	return r, g
}

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *generator, list []T) T { return list[g.IntN(len(list))] }

func (g *generator) name(kind string) string {
	g.names++
	return fmt.Sprintf("%s%d", kind, g.names)
}

func (g *generator) add(c command) { g.commands = append(g.commands, c) }

// nets returns the networks whose packets pass a table.
func (g *generator) nets(family string) []*network {
	var out []*network
	for n := range g.focus {
		if family == "inet" || family == n.nft {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b *network) int { return len(a.nft) - len(b.nft) })
	return out
}

// disjoint returns up to k CIDRs of the focus that do not overlap.
func (g *generator) disjoint(n *network, k int) []netip.Prefix {
	var out []netip.Prefix
	for range 3 * k {
		p := pick(g, g.focus[n])
		if len(out) < k && !slices.ContainsFunc(out, p.Overlaps) {
			out = append(out, p)
		}
	}
	return out
}

// config returns a configuration file with CIDRs of the focus.
func (g *generator) config() string {
	keep, masq, source := []string{}, []string{}, []string{}
	for _, n := range g.nets("inet") {
		for _, p := range g.focus[n] {
			switch text := fmt.Sprintf("%q", p); {
			case slices.Contains(keep, text) || slices.Contains(masq, text): // in both lists it would be rejected
			case g.chance(30):
				masq = append(masq, text)
			case g.chance(70):
				keep = append(keep, text)
			}
		}
	}
	if g.chance(20) {
		for _, n := range g.nets("inet") {
			source = append(source, fmt.Sprintf("%q", pick(g, []netip.Prefix{n.podNet, netip.PrefixFrom(n.pods[0], n.pods[0].BitLen())})))
		}
	}
	text := "resyncInterval: 60s\nnonMasqueradeCIDRs: [" + join(keep) + "]\n"
	if len(masq) > 0 {
		text += "masqueradeCIDRs: [" + join(masq) + "]\n"
	}
	if len(source) > 0 {
		text += "sourceCIDRs: [" + join(source) + "]\n"
	}
	return text
}

func join(list []string) string {
	out := ""
	for i, s := range list {
		if i > 0 {
			out += ", "
		}
		out += s
	}
	return out
}

// destination returns an address at the boundary of a CIDR of the focus, or in
// it, to which the outside responds.
func (g *generator) destination(n *network) netip.Addr {
	for {
		p := pick(g, g.focus[n])
		first, last := p.Masked().Addr(), lastOf(p)
		inside := first.AsSlice()
		for i := range inside {
			inside[i] ^= byte(g.IntN(256)) &^ (first.AsSlice()[i] ^ last.AsSlice()[i] ^ 0xff)
		}
		random, _ := netip.AddrFromSlice(inside)
		a := pick(g, []netip.Addr{first, last, first.Prev(), last.Next(), random, random})
		if n.answers(a) {
			return a
		}
	}
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

// answers reports whether packets to an address arrive outside.
func (n *network) answers(a netip.Addr) bool {
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsLoopback() || n.podNet.Contains(a) || n.translated.Contains(a) {
		return false
	}
	if a.Is4() && (a.As4()[0] == 0 || a.As4()[0] >= 224) {
		return false
	}
	return !slices.ContainsFunc(n.links, func(p netip.Prefix) bool { return p.Contains(a) })
}
