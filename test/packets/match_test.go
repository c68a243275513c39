// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package packets_test

import (
	"fmt"
	"strings"
)

// nativeMatch returns a condition in the language of nft.
func (g *generator) nativeMatch(t nativeTable, n *network) string {
	if g.chance(g.unclear) {
		return g.unclearMatch(t, n)
	}
	not := pick(g, []string{"", "", "!= "})
	switch k := g.IntN(100); {
	case k < 45:
		return g.nativeDestination(t, n, not)
	case k < 58:
		return n.nft + " saddr " + not + pick(g, []string{
			n.podNet.String(), n.pods[0].String(), fmt.Sprintf("%s-%s", n.pods[0], n.pods[1]), fmt.Sprintf("{ %s, %s }", n.pods[1], n.pods[2])})
	case k < 66:
		return g.concatenation(t, n, not)
	case k < 80:
		return pick(g, []string{`oifname "wg0"`, `oifname != "wg0"`, `oifname "wg*"`, `oifname != "lo"`, `oifname { "out0", "tun*" }`, `oif "out0"`, `oif != "wg0"`})
	case k < 90:
		return "fib daddr type " + pick(g, []string{"local", "!= local", "unicast", "{ local, broadcast }"})
	}
	if t.family == "inet" && g.chance(50) {
		return "meta nfproto " + map[string]string{"ip": "ipv4", "ip6": "ipv6"}[n.nft] // nft rejects the other one together with an address
	}
	return pick(g, []string{"meta mark & 0x4000 == 0x4000", "meta mark & 0x4000 != 0x4000", "meta mark and 0x4000 == 0x0"})
}

// nativeDestination returns a condition on the destination.
func (g *generator) nativeDestination(t nativeTable, n *network, not string) string {
	key := n.nft + " daddr " + not
	p := pick(g, g.focus[n])
	switch k := g.IntN(100); {
	case k < 40:
		return key + p.String()
	case k < 55 && !p.IsSingleIP():
		return fmt.Sprintf("%s%s-%s", key, p.Masked().Addr(), lastOf(p).Prev().Prev())
	case k < 75:
		return key + "{ " + g.list(n) + " }"
	case k < 93:
		name := g.name("set")
		g.nft("add set %s %s { type %s ; flags interval ; elements = { %s } ; }", t, name, n.addressType(), g.list(n))
		return key + "@" + name
	}
	if n.nft == "ip" {
		return "ip daddr & 0.0.255.0 " + pick(g, []string{"==", "!="}) + " 0.0.7.0"
	}
	return "ip6 daddr & ::ffff " + pick(g, []string{"==", "!="}) + " ::5"
}

func (g *generator) list(n *network) string {
	var words []string
	for _, p := range g.disjoint(n, 1+g.IntN(3)) {
		words = append(words, p.String())
	}
	return strings.Join(words, ", ")
}

// concatenation returns a condition on source and destination together.
func (g *generator) concatenation(t nativeTable, n *network, not string) string {
	key := fmt.Sprintf("%s saddr . %s daddr %s", n.nft, n.nft, not)
	var elements []string
	for _, p := range g.disjoint(n, 2) {
		elements = append(elements, fmt.Sprintf("%s . %s", pick(g, n.pods), p))
	}
	if g.chance(50) {
		return key + "{ " + strings.Join(elements, ", ") + " }"
	}
	name := g.name("pairs")
	g.nft("add set %s %s { type %s . %s ; flags interval ; elements = { %s } ; }", t, name, n.addressType(), n.addressType(), strings.Join(elements, ", "))
	return key + "@" + name
}

// unclearMatch returns a condition that depends on more than the question
// contains. Only one of them is about the ports of a named protocol, because nft
// rejects a rule with "tcp dport" and "udp dport".
func (g *generator) unclearMatch(t nativeTable, n *network) string {
	if g.chance(8) {
		name := g.name("dynamic")
		g.nft("add set %s %s { type %s ; flags dynamic,timeout ; timeout 1h ; elements = { %s } ; }", t, name, n.addressType(), n.pods[0])
		return n.nft + " saddr @" + name
	}
	return pick(g, []string{
		"meta l4proto tcp", "meta l4proto != tcp", "tcp dport 8080", "th dport { 53, 100-200 }", "th dport != 53", "meta l4proto { tcp, udp }",
		"meta mark 0x80", "meta mark != 0x80", "meta mark & 0xff == 0x80", "meta mark 0x1-0x80", "ct mark 0x5", "ct mark != 0x5",
		"ct state new", "ct state established,related", "ct status dnat", "ct direction original",
		"limit rate 1/second", "limit rate over 1/second", "quota 100 bytes", "quota over 100 bytes", "numgen random mod 2 0", "numgen inc mod 3 < 2",
		"jhash " + n.nft + " daddr mod 2 0", "meta length > 60", `iifname "pod0"`, `iifname != "pod0"`, "meta skuid 0", `meta hour "08:00"-"17:00"`,
		"ct original " + n.nft + " daddr " + pick(g, g.focus[n]).Addr().String(), "fib saddr type local", "fib saddr type != local", "meta pkttype host",
	})
}
