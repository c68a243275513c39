// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package packets_test

import (
	"fmt"
	"slices"
	"strings"

	"ip-masq-agent/test/netns"
)

// iptablesTable is a table with rules that are written with iptables.
type iptablesTable struct {
	tool, table string
	net         *network
	chains      []string // the first is built-in; a chain jumps only to later ones
}

func (g *generator) iptables(backend, table string) iptablesTable {
	n := pick(g, g.nets("inet"))
	t := iptablesTable{tool: netns.Command(backend, n.name), table: table, net: n, chains: []string{"POSTROUTING"}}
	g.add(command{tool: t.tool, table: table, line: ":POSTROUTING ACCEPT [0:0]"})
	for range g.IntN(3) {
		c := strings.ToUpper(g.name("chain-"))
		g.add(command{tool: t.tool, table: table, line: ":" + c + " - [0:0]"})
		t.chains = append(t.chains, c)
	}
	return t
}

// natTable adds to the nat table of iptables-nft: rules written with iptables,
// native rules in the same chains, and other base chains.
func (g *generator) natTable() {
	t := g.iptables("iptables-nft", "nat")
	g.iptablesRules(t, 1+g.IntN(4))
	if g.chance(30) {
		return
	}
	native := nativeTable{family: t.net.nft, name: "nat", chains: slices.Clone(t.chains)}
	bases := 1
	if g.chance(40) {
		native.chains = slices.Insert(native.chains, 1, g.baseChain(native))
		bases++
	}
	if g.chance(50) {
		c := g.name("c")
		g.nft("add chain %s %s", native, c)
		native.chains = append(native.chains, c)
	}
	g.nativeRules(native, bases, 1+g.IntN(4))
	g.iptablesRules(t, g.IntN(3))
}

// legacyTable adds rules to the nat table of iptables-legacy.
func (g *generator) legacyTable() {
	g.iptablesRules(g.iptables("iptables-legacy", "nat"), 1+g.IntN(4))
}

// mangle adds marks of another program, but never kube-proxy's.
func (g *generator) mangle() {
	g.natTable()
	if g.chance(50) {
		t := g.iptables("iptables-nft", "mangle")
		g.add(command{tool: t.tool, table: "mangle", rule: true, line: "-A POSTROUTING " + g.iptablesDestination(t.net) + " -j MARK --set-xmark 0x80/0xff"})
		return
	}
	g.nft("add table inet marks")
	g.nft("add chain inet marks c { type filter hook postrouting priority mangle ; }")
	g.add(command{tool: "nft", rule: true, line: "add rule inet marks c meta mark set " + pick(g, []string{"0x80", "meta mark | 0x40000", "0x1"})})
}

func (g *generator) iptablesRules(t iptablesTable, count int) {
	for range count {
		i := g.IntN(len(t.chains))
		var words []string
		for range pick(g, []int{0, 1, 1, 2}) {
			words = append(words, g.iptablesMatch(t.net))
		}
		slices.Sort(words)
		words = slices.CompactFunc(words, func(a, b string) bool { return option(a) == option(b) })
		if g.chance(20) {
			words = append(words, "-m comment --comment "+pick(g, []string{`"say \"hi\" -j ACCEPT"`, `"a # b; 'c'"`, `"l'été"`, `"IP-MASQ"`}))
		}
		words = append(words, g.iptablesTarget(t, t.chains[i+1:]))
		g.add(command{tool: t.tool, table: t.table, rule: true, line: "-A " + t.chains[i] + " " + strings.Join(words, " ")})
	}
}

// option returns the part of a match that iptables allows only once in a rule.
func option(match string) string {
	words := strings.Fields(strings.TrimPrefix(match, "! "))
	if words[0] == "-m" {
		return words[1]
	}
	return words[0]
}

func (g *generator) iptablesDestination(n *network) string {
	not := pick(g, []string{"", "", "! "})
	if g.chance(80) {
		return not + "-d " + pick(g, g.focus[n]).String()
	}
	p := pick(g, g.focus[n])
	return fmt.Sprintf("-m iprange %s--dst-range %s-%s", not, p.Masked().Addr(), lastOf(p))
}

func (g *generator) iptablesMatch(n *network) string {
	not := pick(g, []string{"", "", "! "})
	if g.chance(g.unclear) {
		return pick(g, []string{"-p tcp", "-p udp", "! -p tcp", "-p tcp --dport 8080", "-p tcp -m multiport --dports 53,80", "-m mark --mark 0x80", "-m mark ! --mark 0x80/0xff",
			"-m conntrack --ctstate NEW", "-m conntrack --ctstate ESTABLISHED", "-m statistic --mode random --probability 0.5", "-m limit --limit 1/sec",
			"-m connmark --mark 0x5", "-m length --length 60:65535", "-m pkttype --pkt-type unicast", "-m statistic --mode nth --every 2 --packet 0"})
	}
	switch k := g.IntN(100); {
	case k < 55:
		return g.iptablesDestination(n)
	case k < 70:
		return not + "-s " + pick(g, []string{n.podNet.String(), n.pods[0].String(), n.pods[1].String()})
	case k < 82:
		return not + "-o " + pick(g, []string{"wg0", "wg+", "out0", "lo"})
	case k < 94:
		return "-m addrtype " + not + "--dst-type " + pick(g, []string{"LOCAL", "LOCAL", "UNICAST", "LOCAL,MULTICAST"})
	}
	return "-m mark " + not + "--mark 0x4000/0x4000"
}

func (g *generator) iptablesTarget(t iptablesTable, targets []string) string {
	switch k := g.IntN(100); {
	case k < 18:
		return "-j ACCEPT"
	case k < 34:
		return "-j RETURN"
	case k < 55 && len(targets) > 0:
		return pick(g, []string{"-j ", "-j ", "-g "}) + pick(g, targets)
	case k < 76:
		return "-j MASQUERADE" + pick(g, []string{"", "", " --random", " --random-fully"})
	case k < 86:
		return "-j SNAT --to-source " + g.translation(t.net)
	case k < 90:
		return pick(g, []string{"-j MARK --set-xmark 0x10/0x10", "-j MARK --set-xmark 0x4000/0x4000", "-j CONNMARK --set-xmark 0x5/0x5"})
	case k < 93:
		return `-j LOG --log-prefix "x y "`
	}
	return "-m comment --comment counts"
}
