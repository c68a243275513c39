// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// What a node may hold before the agent's first start. The jumps are given as
// iptables-restore takes them and as it prints them.
func TestAdoption(t *testing.T) {
	boot, err := os.ReadFile("testdata/gke-boot.rules")
	if err != nil {
		t.Fatal(err)
	}
	const (
		gke     = `-A POSTROUTING -m comment --comment "ip-masq: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ chain" -m addrtype ! --dst-type LOCAL -j IP-MASQ`
		literal = `-A POSTROUTING -m comment --comment "\"ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ chain\"" -m addrtype ! --dst-type LOCAL -j IP-MASQ`
		bare    = `-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ`
		reverse = `-A POSTROUTING -m addrtype ! --dst-type LOCAL -m comment --comment "kind-masq-agent: the comment comes last" -j IP-MASQ`
		oneWord = `-A POSTROUTING -m comment --comment masquerade -m addrtype ! --dst-type LOCAL -j IP-MASQ`
	)
	oldChain := []string{":IP-MASQ - [0:0]", "-A IP-MASQ -d 10.0.0.0/8 -m comment --comment \"ip-masq: pod cidr is not subject to MASQUERADE\" -j RETURN", "-A IP-MASQ -j MASQUERADE"}
	tests := []struct {
		name  string
		lines []string
		jumps []string // after
	}{
		{"GKE's boot rules", strings.Split(strings.TrimSuffix(string(boot), "\n"), "\n"), []string{gke}},
		{"kOps' boot rules", slices.Concat([]string{"*nat"}, oldChain, []string{gke, "COMMIT"}), []string{gke}},
		{"2.12 upgraded", []string{"*nat", ":IP-MASQ - [0:0]",
			`-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 169.254.0.0/16 -j RETURN`,
			`-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 10.0.0.0/8 -j RETURN`,
			`-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully`,
			jump, "COMMIT"}, []string{jump}},
		{"Azure's, and 2.10's literal quotes", slices.Concat([]string{"*nat"}, oldChain, []string{literal, "COMMIT"}), []string{literal}},
		{"no comment", slices.Concat([]string{"*nat"}, oldChain, []string{bare, "COMMIT"}), []string{bare}},
		{"comment of one word", slices.Concat([]string{"*nat"}, oldChain, []string{oneWord, "COMMIT"}), []string{oneWord}},
		{"comment after the condition", slices.Concat([]string{"*nat"}, oldChain, []string{reverse, "COMMIT"}), []string{reverse}},
		{"several jumps: the first stays", slices.Concat([]string{"*nat"}, oldChain, []string{literal, gke, jump, bare, gke, "COMMIT"}), []string{literal}},
		{"one jump twice", slices.Concat([]string{"*nat"}, oldChain, []string{jump, jump, "COMMIT"}), []string{jump}},
		{"jumps between rules of others", slices.Concat([]string{"*nat"}, oldChain,
			[]string{"-A POSTROUTING -p tcp -j ACCEPT", gke, "-A POSTROUTING -p udp -j ACCEPT", bare, "-A POSTROUTING -p icmp -j ACCEPT", "COMMIT"}), []string{gke}},
		{"an empty chain, no jump", []string{"*nat", ":IP-MASQ - [0:0]", "COMMIT"}, []string{jump}},
		{"a chain, no jump", slices.Concat([]string{"*nat"}, oldChain, []string{"COMMIT"}), []string{jump}},
		{"jump to an empty chain", []string{"*nat", ":IP-MASQ - [0:0]", bare, "COMMIT"}, []string{bare}},
	}
	// The agent's table on nftables has nothing that could be adopted: what is
	// not as it should be is replaced, see TestExistingTableIsReplaced.
	eachIPTablesNode(t, func(n *node) {
		for _, tt := range tests {
			n.run(tt.name, func(n *node) {
				lines := tt.lines
				if n.family == "IPv6" {
					lines = ipv6Rules(lines)
				}
				n.restore(lines...)
				before := n.foreign()
				n.config.write(n.t, n.threeRanges())
				p := n.start()
				n.waitAdopted(n.threeRangesChain(), tt.jumps...)
				if diff := cmp.Diff(before, n.foreign()); diff != "" {
					n.t.Errorf("rules of others (-before +after):\n%s", diff)
				}
				// What was adopted is healed as the agent's own is.
				n.iptables("-F", "IP-MASQ")
				n.waitAdopted(n.threeRangesChain(), tt.jumps...)
				p.Stop(terminate)
			})
		}
	})
}

// ipv6Rules makes the same rules for ip6tables: what matters here are the
// comments and the conditions, not the ranges.
func ipv6Rules(lines []string) []string {
	prefix := regexp.MustCompile(`\d+\.\d+\.\d+\.\d+/\d+`)
	lines = slices.Clone(lines)
	for i := range lines {
		lines[i] = strings.ReplaceAll(prefix.ReplaceAllString(lines[i], "2001:db8::/32"), "-p icmp ", "-p ipv6-icmp ")
	}
	return lines
}

// foreign dumps iptables' nat table but for the agent's own chain and the jumps.
func (n *node) foreign() string {
	n.t.Helper()
	var b strings.Builder
	for line := range strings.Lines(netns.Save(n.t, n.host(), n.family)) {
		if !n.owns(line) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// A jump that asks for more than the agent's does not do its work: it is
// somebody else's, stays, and the agent writes its own.
func TestOtherJumpsAreLeftAlone(t *testing.T) {
	others := []string{
		"-A POSTROUTING -o eth7 -m addrtype ! --dst-type LOCAL -j IP-MASQ",
		"-A POSTROUTING -p tcp -m addrtype ! --dst-type LOCAL -j IP-MASQ",
		"-A POSTROUTING -m addrtype --dst-type LOCAL -j IP-MASQ",
		"-A POSTROUTING -m addrtype ! --dst-type MULTICAST -j IP-MASQ",
		"-A POSTROUTING -m addrtype ! --src-type LOCAL -j IP-MASQ",
		"-A POSTROUTING -m addrtype ! --dst-type LOCAL --limit-iface-out -j IP-MASQ",
		"-A POSTROUTING -m mark --mark 0x1 -m addrtype ! --dst-type LOCAL -j IP-MASQ",
		"-A POSTROUTING -m statistic --mode random --probability 0 -m addrtype ! --dst-type LOCAL -j IP-MASQ",
		"-A POSTROUTING -m statistic --mode random --probability 1 -m addrtype ! --dst-type LOCAL -j IP-MASQ",
		"-A POSTROUTING -m addrtype ! --dst-type LOCAL -g IP-MASQ",
		"-A POSTROUTING -j IP-MASQ",
	}
	// A base chain takes the place of the jump on nftables.
	eachIPTablesNode(t, func(n *node) {
		n.restore(slices.Concat([]string{"*nat", ":IP-MASQ - [0:0]"}, others, []string{"COMMIT"})...)
		before := netns.List(n.t, n.backend, n.family, "POSTROUTING")
		want := append(slices.Clone(before), jump)
		n.config.write(n.t, n.oneRange())
		n.start()
		check := func() {
			n.t.Helper()
			program.Eventually(n.t, func() string {
				return cmp.Diff(want, netns.List(n.t, n.backend, n.family, "POSTROUTING")) + cmp.Diff(n.oneRangeChain(), n.chain())
			})
		}
		check()
		n.iptables("-F", "IP-MASQ")
		check()
		// One more that is equivalent goes, and it alone.
		n.iptables("-A", "POSTROUTING", "-m", "addrtype", "!", "--dst-type", "LOCAL", "-j", "IP-MASQ")
		check()
	})
}
