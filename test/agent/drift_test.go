// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
)

func TestDriftIsHealed(t *testing.T) {
	tests := []struct {
		name  string
		lines []string // of a restore, atomic so that the agent cannot come between
	}{
		{"chain flushed", []string{":IP-MASQ - [0:0]"}},
		{"first rule deleted", []string{"-D IP-MASQ 1"}},
		{"last rule deleted", []string{"-D IP-MASQ 5"}},
		{"rule inserted at the head", []string{"-I IP-MASQ 1 -j ACCEPT"}},
		{"rule appended", []string{"-A IP-MASQ -j RETURN"}},
		{"rule doubled", []string{"-I IP-MASQ 5 -j MASQUERADE"}},
		{"rule replaced", []string{"-R IP-MASQ 5 -j RETURN"}},
		{"range changed", []string{"-R IP-MASQ 2 -d RANGE -j RETURN"}},
		{"target changed", []string{"-R IP-MASQ 5 -j MASQUERADE --random"}},
		{"order changed", []string{"-D IP-MASQ 1", "-I IP-MASQ 4 -d LINKLOCAL -j RETURN"}},
		{"jump deleted", []string{"-D JUMP"}},
		{"jump deleted and chain flushed", []string{"-D JUMP", ":IP-MASQ - [0:0]"}},
		{"jump and chain deleted", []string{"-D JUMP", ":IP-MASQ - [0:0]", "-X IP-MASQ"}},
		{"jump doubled", []string{"-A JUMP"}},
	}
	eachNode(t, func(n *node) {
		others := n.others()
		n.startRight(n.threeRanges(), n.threeRangesChain())
		for _, tt := range tests {
			rules := strings.NewReplacer(
				"JUMP", strings.TrimPrefix(jump, "-A "),
				"RANGE", n.pick("172.21.0.0/16", "2001:db8:21::/48"),
				"LINKLOCAL", n.pick("169.254.0.0/16", "fe80::/10"),
			).Replace(strings.Join(tt.lines, "\n"))
			n.restore("*nat", rules, "COMMIT")
			n.wait(n.threeRangesChain())
			if diff := cmp.Diff(others, n.othersNow()); diff != "" {
				n.t.Errorf("%s: healing it changed rules of others (-before +after):\n%s", tt.name, diff)
			}
		}
	})
}

// Whoever runs "iptables -t nat -F" takes all rules away, ours among them.
func TestFlushedTableIsHealed(t *testing.T) {
	eachNode(t, func(n *node) {
		n.startRight(n.threeRanges(), n.threeRangesChain())
		n.iptables("-F")
		n.wait(n.threeRangesChain())
		n.uninstall()
		n.wait(n.threeRangesChain())
	})
}

// others writes rules of others into every table that the agent might touch,
// and returns them as [node.othersNow] does.
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
	return n.othersNow()
}

// othersNow dumps three tables but for the agent's own chain and jump.
func (n *node) othersNow() string {
	n.t.Helper()
	var b strings.Builder
	for _, table := range []string{"nat", "filter", "mangle"} {
		for line := range strings.Lines(netns.SaveTable(n.t, n.backend, n.family, table)) {
			if table != "nat" || !own(line) {
				b.WriteString(line)
			}
		}
	}
	return b.String()
}

// own says whether a line of iptables-save -t nat is the agent's.
func own(line string) bool {
	return strings.HasPrefix(line, ":IP-MASQ ") || strings.HasPrefix(line, "-A IP-MASQ ") || strings.HasSuffix(line, " -j IP-MASQ\n")
}
