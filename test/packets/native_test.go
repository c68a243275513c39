// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package packets_test

import (
	"fmt"
	"strings"
)

// nativeTable is a table with rules that are written with nft.
type nativeTable struct {
	family, name string
	chains       []string // a chain jumps only to later ones
}

func (t nativeTable) String() string { return t.family + " " + t.name }

// priorities are priorities of base chains, around that of iptables, 100, and
// of the agent's table, 105.
var priorities = []string{"10", "srcnat - 5", "srcnat", "srcnat", "srcnat + 5", "110", "300"}

// ownTable adds a table of another program.
func (g *generator) ownTable() {
	t := nativeTable{family: pick(g, []string{"ip", "ip6", "inet", "inet"}), name: g.name("t")}
	flags := ""
	if g.chance(4) {
		flags = " { flags dormant; }"
	}
	g.nft("add table %s%s", t, flags)
	bases := 1 + g.IntN(2)
	for range bases {
		t.chains = append(t.chains, g.baseChain(t))
	}
	for range g.IntN(3) {
		c := g.name("c")
		g.nft("add chain %s %s", t, c)
		t.chains = append(t.chains, c)
	}
	g.nativeRules(t, bases, 2+g.IntN(5))
}

func (g *generator) baseChain(t nativeTable) string {
	c, policy := g.name("base"), "accept"
	if g.chance(3) {
		policy = "drop"
	}
	g.nft("add chain %s %s { type nat hook postrouting priority %s ; policy %s ; }", t, c, pick(g, priorities), policy)
	return c
}

// nativeRules adds rules to the chains of a table. The first chains, as many as
// bases says, are base chains, which cannot be jumped to.
func (g *generator) nativeRules(t nativeTable, bases, count int) {
	for range count {
		i := g.IntN(len(t.chains))
		targets := t.chains[max(i+1, bases):]
		g.add(command{tool: "nft", rule: true, line: fmt.Sprintf("add rule %s %s %s", t, t.chains[i], g.nativeRule(t, targets))})
	}
}

func (g *generator) nft(format string, args ...any) {
	g.add(command{tool: "nft", line: fmt.Sprintf(format, args...)})
}

// nativeRule returns the conditions and statements of a rule.
func (g *generator) nativeRule(t nativeTable, targets []string) string {
	n := pick(g, g.nets(t.family))
	var words []string
	for range pick(g, []int{0, 1, 1, 1, 2, 2, 3}) {
		words = append(words, g.nativeMatch(t, n))
	}
	if g.chance(30) {
		words = append(words, "counter")
	}
	if g.chance(8) {
		words = append(words, `log prefix "odd } ; text: "`)
	}
	words = append(words, g.nativeVerdict(t, n, targets))
	if g.chance(20) {
		words = append(words, "comment "+pick(g, []string{`"accept; -j ACCEPT"`, `"# masquerade {}"`, `"l'été, \\n"`, `"IP-MASQ"`}))
	}
	return strings.Join(words, " ")
}

// nativeVerdict returns the last statement of a rule, which may end the chain
// or not.
func (g *generator) nativeVerdict(t nativeTable, n *network, targets []string) string {
	family := ""
	if t.family == "inet" {
		family = " " + n.nft
	}
	switch k := g.IntN(100); {
	case k < 15:
		return "accept"
	case k < 29:
		return "return"
	case k < 52 && len(targets) > 0:
		return pick(g, []string{"jump ", "jump ", "goto "}) + pick(g, targets)
	case k < 54:
		return "drop"
	case k < 68:
		return pick(g, []string{"masquerade", "masquerade", "masquerade random", "masquerade fully-random,persistent",
			"meta l4proto tcp masquerade to :1024-29999", "masquerade fully-random"})
	case k < 78:
		return "snat" + family + " to " + g.translation(n)
	case k < 81:
		return "snat" + family + " to " + n.nft + " saddr " + g.addressMap(t, n)
	case k < 90:
		return g.verdictMap(t, n, targets)
	case k < 96:
		return pick(g, []string{"meta mark set 0x10", "meta mark set meta mark | 0x100", "meta mark set 0x4000", "ct mark set 0x5",
			"meta mark set meta mark & 0xffff00ff", "meta priority set 1:1"})
	}
	return "counter continue"
}

// translation returns an address or a small range of addresses for snat.
func (g *generator) translation(n *network) string {
	a := n.translated.Addr().Next()
	for range g.IntN(3) {
		a = a.Next()
	}
	if g.chance(25) {
		return fmt.Sprintf("%s-%s", a, a.Next().Next())
	}
	return a.String()
}

func (g *generator) addressMap(t nativeTable, n *network) string {
	var elements []string
	for _, a := range n.pods[:2] {
		elements = append(elements, fmt.Sprintf("%s : %s", a, n.translated.Addr().Next()))
	}
	text := "{ " + strings.Join(elements, ", ") + " }"
	if g.chance(50) {
		return "map " + text
	}
	name := g.name("addresses")
	g.nft("add map %s %s { type %s : %s ; elements = %s ; }", t, name, n.addressType(), n.addressType(), text)
	return "map @" + name
}

func (n *network) addressType() string {
	return map[string]string{"ip": "ipv4_addr", "ip6": "ipv6_addr"}[n.nft]
}

// verdictMap returns a verdict map, anonymous or named.
func (g *generator) verdictMap(t nativeTable, n *network, targets []string) string {
	verdict := func() string {
		if len(targets) > 0 && g.chance(60) {
			return pick(g, []string{"jump ", "goto "}) + pick(g, targets)
		}
		return pick(g, []string{"accept", "return", "continue"})
	}
	if g.chance(g.unclear) {
		return fmt.Sprintf(pick(g, []string{"numgen random mod 2", "meta l4proto", "ct mark"})+" vmap { 0 : %s, 6 : %s }", verdict(), verdict())
	}
	key, kind := n.nft+" daddr", n.addressType()
	before := ""
	if g.chance(25) {
		key, kind = n.nft+" saddr . "+key, kind+" . "+kind
		before = pick(g, n.pods).String() + " . "
	}
	var elements []string
	for _, p := range g.disjoint(n, 1+g.IntN(3)) {
		elements = append(elements, fmt.Sprintf("%s%s : %s", before, p, verdict()))
	}
	if g.chance(40) {
		name := g.name("verdicts")
		g.nft("add map %s %s { type %s : verdict ; flags interval ; elements = { %s } ; }", t, name, kind, strings.Join(elements, ", "))
		return key + " vmap @" + name
	}
	return key + " vmap { " + strings.Join(elements, ", ") + " }"
}
