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

// nativeNode is a node of iptables-nft with rules that iptables cannot list. It
// is seen with nft.
type nativeNode struct{ *node }

// eachNativeNode runs a story for both families, each in its own namespace, in
// parallel.
func eachNativeNode(t *testing.T, name string, story func(n nativeNode)) {
	t.Helper()
	for _, family := range []string{"IPv4", "IPv6"} {
		t.Run(name+" "+family, func(t *testing.T) {
			netns.Require(t, "nft", netns.Command("iptables-nft", family))
			netns.Run(t, func(t *testing.T) {
				n := nativeNode{newNode(t, "iptables-nft", family)}
				n.nft(`table IP nat {
					chain PREROUTING { type nat hook prerouting priority dstnat ; }
					chain POSTROUTING { type nat hook postrouting priority srcnat ; }
				}`)
				story(n)
			})
		})
	}
}

// native replaces the words of a family in nft's language.
func (n nativeNode) native(script string) string {
	if n.family == "IPv6" {
		return strings.NewReplacer("IP-MASQ", "IP-MASQ", "IP", "ip6", "TYPE", "ipv6_addr", "KEPT", "fd00::/8", "LINKLOCAL", "fe80::/10", "OTHER", "2001:db8:1::/48", "ADDR", "fd64::1").Replace(script)
	}
	return strings.NewReplacer("IP-MASQ", "IP-MASQ", "IP", "ip", "TYPE", "ipv4_addr", "KEPT", "10.0.0.0/8", "LINKLOCAL", "169.254.0.0/16", "OTHER", "203.0.113.0/24", "ADDR", "100.64.0.1").Replace(script)
}

// nft feeds a script to nft -f, which must take it.
func (n nativeNode) nft(script string) {
	n.t.Helper()
	netns.Feed(n.t, n.native(script)+"\n", "nft", "-f", "-")
}

// reload saves the rule set and loads it again, as a node's nftables.service does.
func (n nativeNode) reload() {
	n.t.Helper()
	saved := netns.Feed(n.t, "", "nft", "list", "ruleset")
	netns.Feed(n.t, "flush ruleset\n"+saved, "nft", "-f", "-")
}

var (
	nftCounters = regexp.MustCompile(`packets \d+ bytes \d+ ?`)
	nftQuotas   = regexp.MustCompile(` used \d+ \w+`)
	nftComment  = regexp.MustCompile(` comment ".*"`)
	nftSpaces   = regexp.MustCompile(` +`)
)

// ruleset lists all rules with their handles, but not what they counted.
func ruleset(t testing.TB) []string {
	t.Helper()
	text := netns.Feed(t, "", "nft", "-a", "list", "ruleset")
	text = nftSpaces.ReplaceAllString(nftQuotas.ReplaceAllString(nftCounters.ReplaceAllString(text, ""), ""), " ")
	return strings.Split(text, "\n")
}

// parts splits the rule set into the rules of the agent's chain, the rules that
// lead to it, and the rest, all with their handles. The table is the family's nat. That of the other family, which the agent
// keeps too where IPv6 is on, is left out.
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

// nativeChain is the chain that keeps the source address towards ranges, as nft
// lists it, whichever program wrote it.
func (n nativeNode) nativeChain(ranges ...string) []string {
	var rules []string
	for _, r := range ranges {
		rules = append(rules, n.native("IP daddr "+r+" counter return"))
	}
	return append(rules, "counter masquerade fully-random")
}

func (n nativeNode) one() []string { return n.nativeChain("LINKLOCAL", "KEPT") }

func (n nativeNode) three() []string {
	return n.nativeChain(append([]string{"LINKLOCAL"}, strings.Split(n.pick("172.20.0.0/16 10.0.0.0/8 192.0.2.7", "2001:db8:20::/48 fd00::/8 2001:db8::7"), " ")...)...)
}

// holds waits until the chain is as wanted and exactly one jump leads to it,
// which has nothing but the condition on the destination.
func (n nativeNode) holds(want []string) {
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

// untouched compares the rules of others, and their handles, with before.
func (n nativeNode) untouched(before []string) {
	n.t.Helper()
	_, _, others := n.parts()
	if diff := cmp.Diff(before, others); diff != "" {
		n.t.Errorf("rules of others (-before +after):\n%s", diff)
	}
}

func (n nativeNode) others() []string {
	n.t.Helper()
	_, _, others := n.parts()
	return others
}

// jumpHandles lists the handles of the jumps to the agent's chain.
func (n nativeNode) jumpHandles() []string {
	n.t.Helper()
	_, jumps, _ := n.parts()
	for i, j := range jumps {
		_, jumps[i], _ = strings.Cut(j, " # handle ")
	}
	return slices.Clone(jumps)
}

// restarted starts the agent again and expects that it writes nothing.
func (n nativeNode) restarted(want []string) *program.Process {
	n.t.Helper()
	own := func() []string {
		chain, jumps, _ := n.parts()
		return append(chain, jumps...)
	}
	before := own()
	p := n.start()
	n.ready()
	n.holds(want)
	if diff := cmp.Diff(before, own()); diff != "" {
		n.t.Errorf("a restart changed the agent's rules (-before +after):\n%s", diff)
	}
	return p
}
