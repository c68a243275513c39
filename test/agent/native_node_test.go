// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// nativeNode is a node with rules that iptables-nft cannot list ("native" rules
// of nft). The test reads the rules with nft.
type nativeNode struct{ *node }

// eachNativeNode runs a test for both families in parallel, each in its own
// network namespace.
func eachNativeNode(t *testing.T, name string, test func(n nativeNode)) {
	t.Helper()
	for _, family := range []string{"IPv4", "IPv6"} {
		t.Run(name+" "+family, func(t *testing.T) {
			netns.Require(t, "nft", netns.Command("iptables-nft", family))
			netns.RequireTranslation(t)
			netns.Run(t, func(t *testing.T) {
				n := nativeNode{newNode(t, "iptables-nft", family)}
				n.nft(`table IP nat {
					chain PREROUTING { type nat hook prerouting priority dstnat ; }
					chain POSTROUTING { type nat hook postrouting priority srcnat ; }
				}`)
				test(n)
			})
		})
	}
}

// native replaces the placeholders in a script by the words of the node's
// family.
func (n nativeNode) native(script string) string {
	if n.family == "IPv6" {
		return strings.NewReplacer("IP-MASQ", "IP-MASQ", "IP", "ip6", "TYPE", "ipv6_addr", "KEPT", "fd00::/8", "LINKLOCAL", "fe80::/10", "OTHER", "2001:db8:1::/48", "ADDR", "fd64::1").Replace(script)
	}
	return strings.NewReplacer("IP-MASQ", "IP-MASQ", "IP", "ip", "TYPE", "ipv4_addr", "KEPT", "10.0.0.0/8", "LINKLOCAL", "169.254.0.0/16", "OTHER", "203.0.113.0/24", "ADDR", "100.64.0.1").Replace(script)
}

// nft runs nft -f with a script. The test fails if nft does.
func (n nativeNode) nft(script string) {
	n.t.Helper()
	netns.Feed(n.t, n.native(script)+"\n", "nft", "-f", "-")
}

// reload saves the rule set and loads it again, as nftables.service does.
func (n nativeNode) reload() {
	n.t.Helper()
	netns.NFT(n.t, "flush ruleset\n"+netns.NFTRuleset(n.t))
}

var (
	nftCounters = regexp.MustCompile(`packets \d+ bytes \d+ ?`)
	nftQuotas   = regexp.MustCompile(` used \d+ \w+`)
	nftComment  = regexp.MustCompile(` comment ".*"`)
	nftSpaces   = regexp.MustCompile(` +`)
)

// ruleset returns all rules with their handles but without counters.
func ruleset(t testing.TB) []string {
	t.Helper()
	text := netns.NFTRuleset(t, "-a")
	text = nftSpaces.ReplaceAllString(nftQuotas.ReplaceAllString(nftCounters.ReplaceAllString(text, ""), ""), " ")
	return strings.Split(text, "\n")
}

// parts splits the rule set into the rules of the agent's chain, the rules that
// lead to it, and the rest, all with their handles. It reads the nat table of
// the node's family. If that is IPv6, it ignores the IPv4 nat table, to which
// the agent also writes.
func (n nativeNode) parts() (chain, jumps, others []string) {
	n.t.Helper()
	table, in := "", false
	for _, line := range ruleset(n.t) {
		word := strings.TrimSpace(line)
		if strings.HasPrefix(line, "table ") {
			table = line
		}
		here := strings.HasPrefix(table, n.native("table IP nat {"))
		switch {
		case strings.HasPrefix(table, "table ip nat {") && !here:
		case here && strings.HasPrefix(word, "chain IP-MASQ {"):
			in = true
		case in && word == "}":
			in = false
		case in:
			chain = append(chain, word)
		case here && jumpToOurs.MatchString(word):
			jumps = append(jumps, word)
		case word != "":
			others = append(others, word)
		}
	}
	return chain, jumps, others
}

var jumpToOurs = regexp.MustCompile(`\b(jump|goto) IP-MASQ( |$)`)

func withoutHandles(lines []string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, withoutHandle(l))
	}
	return out
}

func withoutHandle(line string) string {
	line, _, _ = strings.Cut(line, " # handle ")
	return line
}

// nativeChain returns the chain that does not masquerade ranges, as nft lists
// it.
func (n nativeNode) nativeChain(ranges ...string) []string {
	var rules []string
	for _, r := range ranges {
		rules = append(rules, n.native("IP daddr "+r+" counter return"))
	}
	return append(rules, "counter masquerade fully-random")
}

func (n nativeNode) oneRangeNative() []string { return n.nativeChain("LINKLOCAL", "KEPT") }

func (n nativeNode) threeRangesNative() []string {
	return n.nativeChain(append([]string{"LINKLOCAL"}, strings.Split(n.byFamily("172.20.0.0/16 10.0.0.0/8 192.0.2.7", "2001:db8:20::/48 fd00::/8 2001:db8::7"), " ")...)...)
}

// waitNative waits until the agent's chain is as wanted and exactly one jump leads
// to it, with only the condition on the destination.
func (n nativeNode) waitNative(want []string) {
	n.t.Helper()
	program.Eventually(n.t, func() string {
		chain, jumps, _ := n.parts()
		if diff := cmp.Diff(want, withoutHandles(chain)); diff != "" {
			return "chain (-want +got):\n" + diff
		}
		if len(jumps) != 1 {
			return fmt.Sprintf("%d jumps: %q", len(jumps), jumps)
		}
		bare := strings.Replace(nftComment.ReplaceAllString(withoutHandle(jumps[0]), ""), "counter ", "", 1)
		if diff := cmp.Diff("fib daddr type != local jump IP-MASQ", bare); diff != "" {
			return "jump (-want +got):\n" + diff
		}
		return ""
	})
}

// checkOthers checks that the rules of other programs, and their handles, are the
// same as before.
func (n nativeNode) checkOthers(before []string) {
	n.t.Helper()
	_, _, others := n.parts()
	if diff := cmp.Diff(before, others); diff != "" {
		n.t.Errorf("rules of other programs changed (-before +after):\n%s", diff)
	}
}

func (n nativeNode) others() []string {
	n.t.Helper()
	_, _, others := n.parts()
	return others
}

// jumpHandles returns the handles of the jumps to the agent's chain.
func (n nativeNode) jumpHandles() []string {
	n.t.Helper()
	_, jumps, _ := n.parts()
	for i, j := range jumps {
		_, jumps[i], _ = strings.Cut(j, " # handle ")
	}
	return slices.Clone(jumps)
}

// restart starts the agent again and checks that it writes nothing.
func (n nativeNode) restart(want []string) *program.Process {
	n.t.Helper()
	own := func() []string {
		chain, jumps, _ := n.parts()
		return append(chain, jumps...)
	}
	before := own()
	p := n.start()
	n.ready()
	n.waitNative(want)
	if diff := cmp.Diff(before, own()); diff != "" {
		n.t.Errorf("a restart changed the agent's rules (-before +after):\n%s", diff)
	}
	return p
}
