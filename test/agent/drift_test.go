// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/rules"
)

// drift is a change that another program makes to the rules of threeRanges.
type drift struct {
	name  string
	lines []string // one commit, so that the agent cannot act in between
}

// iptablesDrifts returns changes as lines of iptables-restore.
func (n *node) iptablesDrifts() []drift {
	other, linkLocal := n.byFamily("172.21.0.0/16", "2001:db8:21::/48"), n.byFamily("169.254.0.0/16", "fe80::/10")
	rule := strings.TrimPrefix(jump, "-A ")
	return []drift{
		{"chain flushed", []string{":IP-MASQ - [0:0]"}},
		{"first rule deleted", []string{"-D IP-MASQ 1"}},
		{"last rule deleted", []string{"-D IP-MASQ 5"}},
		{"rule inserted at the head", []string{"-I IP-MASQ 1 -j ACCEPT"}},
		{"rule appended", []string{"-A IP-MASQ -j RETURN"}},
		{"rule doubled", []string{"-I IP-MASQ 5 -j MASQUERADE"}},
		{"rule replaced", []string{"-R IP-MASQ 5 -j RETURN"}},
		{"range changed", []string{"-R IP-MASQ 2 -d " + other + " -j RETURN"}},
		{"target changed", []string{"-R IP-MASQ 5 -j MASQUERADE --random"}},
		{"order changed", []string{"-D IP-MASQ 1", "-I IP-MASQ 4 -d " + linkLocal + " -j RETURN"}},
		{"jump deleted", []string{"-D " + rule}},
		{"jump deleted and chain flushed", []string{"-D " + rule, ":IP-MASQ - [0:0]"}},
		{"jump and chain deleted", []string{"-D " + rule, ":IP-MASQ - [0:0]", "-X IP-MASQ"}},
		{"jump doubled", []string{"-A " + rule}},
	}
}

// nftablesDrifts returns changes as nft commands.
func (n *node) nftablesDrifts() []drift {
	family, inside := n.byFamily("ip", "ip6"), n.byFamily("172.20.0.0/16", "2001:db8:20::/48")
	table := func(commands ...string) []string {
		for i := range commands {
			commands[i] = strings.Replace(commands[i], "TABLE", family+" "+rules.Table, 1)
		}
		return commands
	}
	return []drift{
		{"table flushed", table("flush table TABLE")},
		{"table deleted", table("delete table TABLE")},
		{"table dormant", table("add table TABLE { flags dormant; }")},
		{"base chain flushed", table("flush chain TABLE postrouting")},
		{"base chain deleted", table("flush chain TABLE postrouting", "delete chain TABLE postrouting")},
		{"base chain at another priority", table("flush chain TABLE postrouting", "delete chain TABLE postrouting",
			"add chain TABLE postrouting { type nat hook postrouting priority 100; }")},
		{"base chain drops", table("add chain TABLE postrouting { policy drop; }")},
		{"rule inserted at the head", table("insert rule TABLE postrouting accept")},
		{"rule appended", table("add rule TABLE masq accept")},
		{"rule replaced", table("flush chain TABLE kept", "add rule TABLE kept counter drop")},
		{"comment lost", table("flush chain TABLE kept", "add rule TABLE kept counter accept")},
		{"target changed", table("flush chain TABLE masq", "add rule TABLE masq counter masquerade random")},
		{"map flushed", table("flush map TABLE destinations")},
		{"range deleted", table("delete element TABLE destinations { " + inside + " }")},
		{"verdict changed", table("delete element TABLE destinations { "+inside+" }", "add element TABLE destinations { "+inside+" : goto masq }")},
		{"range added", table("add element TABLE destinations { " + n.byFamily("8.8.8.8", "2001:4860::/32") + " : goto kept }")},
		{"foreign chain", table("add chain TABLE other", "add rule TABLE other drop")},
		{"foreign base chain", table("add chain TABLE other { type nat hook postrouting priority 50; }", "add rule TABLE other masquerade")},
		{"foreign set", table("add set TABLE other { type ipv4_addr; }")},
		{"foreign counter", table("add counter TABLE other")},
	}
}

func (n *node) drifts() []drift {
	if n.nftables() {
		return n.nftablesDrifts()
	}
	return n.iptablesDrifts()
}

// TestDriftIsRepaired changes the rules in many ways. The agent restores them
// and changes no rules of other programs.
func TestDriftIsRepaired(t *testing.T) {
	eachNode(t, func(n *node) {
		others := n.others()
		n.startRight(n.threeRanges(), n.threeRangesChain())
		before := n.rules.List(n.t)
		for _, tt := range n.drifts() {
			n.commit(tt.lines...)
			n.waitRestored(n.threeRangesChain(), before)
			if diff := cmp.Diff(others, n.othersNow()); diff != "" {
				n.t.Errorf("%s: the repair changed rules of other programs (-before +after):\n%s", tt.name, diff)
			}
		}
	})
}

// TestFlushedTableIsRepaired runs "iptables -t nat -F" or "nft flush ruleset",
// which delete the rules of all programs.
func TestFlushedTableIsRepaired(t *testing.T) {
	eachNode(t, func(n *node) {
		n.startRight(n.threeRanges(), n.threeRangesChain())
		if n.nftables() {
			n.commit("flush ruleset")
		} else {
			n.iptables("-F")
		}
		n.wait(n.threeRangesChain())
		n.damage(n.rules.Remove)
		n.wait(n.threeRangesChain())
	})
}

// others writes rules of other programs into every table that the agent might
// change, and returns them as [node.othersNow] does.
func (n *node) others() string {
	n.t.Helper()
	n.restore("*nat",
		":CANARY - [0:0]", ":IP-MASQ-OTHER - [0:0]", ":KUBE-POSTROUTING - [0:0]",
		`-A PREROUTING -m comment --comment "a canary" -j CANARY`,
		"-A OUTPUT -p tcp -m tcp --dport 80 -j CANARY",
		`-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING`,
		"-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ-OTHER",
		`-A CANARY -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`,
		`-A IP-MASQ-OTHER -m comment --comment "IP-MASQ" -j MASQUERADE`,
		"-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN", "-A KUBE-POSTROUTING -j MASQUERADE --random-fully",
		"COMMIT",
		"*filter", ":IP-MASQ - [0:0]", "-A FORWARD -j IP-MASQ", "-A IP-MASQ -j ACCEPT", "COMMIT",
		"*mangle", ":IP-MASQ - [0:0]", "-A POSTROUTING -j IP-MASQ", "-A IP-MASQ -j MARK --set-xmark 0x1/0x1", "COMMIT")
	if n.nftables() {
		netns.NFT(n.t, n.nativeOthers())
	}
	return n.othersNow()
}

// nativeOthers returns two tables of other programs with names like the
// agent's: a longer name in the same family, and the same name in the family
// inet.
func (n *node) nativeOthers() string {
	return "table " + n.byFamily("ip", "ip6") + " ip-masq-agent-other {\n" +
		"\tchain postrouting {\n\t\ttype nat hook postrouting priority 105; policy accept;\n\t\tmeta mark 0x12345 masquerade\n\t}\n}\n" +
		"table inet ip-masq-agent {\n\tchain postrouting {\n\t\ttype filter hook postrouting priority 0; policy accept;\n\t\taccept\n\t}\n}\n"
}

// othersNow dumps everything that is not the agent's: three tables of iptables,
// and with nftables every other table of nf_tables.
func (n *node) othersNow() string {
	n.t.Helper()
	var b strings.Builder
	for _, table := range []string{"nat", "filter", "mangle"} {
		for line := range strings.Lines(netns.SaveTable(n.t, n.iptablesBackend(), n.family, table)) {
			if table != "nat" || !n.owns(line) {
				b.WriteString(line)
			}
		}
	}
	if n.nftables() {
		for table := range strings.Lines(netns.ListNFT(n.t, "list", "tables")) {
			if words := strings.Fields(table); words[2] != rules.Table || words[1] == "inet" {
				b.WriteString(netns.ListNFT(n.t, append([]string{"-s", "list"}, words...)...))
			}
		}
	}
	return b.String()
}

// save dumps the nat table of iptables, or with nftables all tables of
// nf_tables.
func (n *node) save() string {
	n.t.Helper()
	if n.nftables() {
		return netns.ListNFT(n.t, "-s", "list", "ruleset")
	}
	return netns.Save(n.t, n.backend, n.family)
}

// owns reports whether a line of iptables-save -t nat belongs to the agent.
// With nftables no line does.
func (n *node) owns(line string) bool {
	return !n.nftables() &&
		(strings.HasPrefix(line, ":IP-MASQ ") || strings.HasPrefix(line, "-A IP-MASQ ") || strings.HasSuffix(line, " -j IP-MASQ\n"))
}
