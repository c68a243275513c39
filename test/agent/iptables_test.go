// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// host is the backend of iptables that other programs on the node use.
func (n *node) host() string {
	if n.nftables() {
		return "iptables-nft"
	}
	return n.backend
}

// iptables runs a command on the nat table, and it must succeed.
func (n *node) iptables(args ...string) string {
	n.t.Helper()
	return netns.IPTables(n.t, n.host(), n.family, args...)
}

// restore feeds the lines to iptables-restore --noflush as one commit.
func (n *node) restore(lines ...string) {
	n.t.Helper()
	netns.Restore(n.t, n.host(), n.family, strings.Join(lines, "\n")+"\n")
}

// chain lists the agent's chain as iptables -S prints it, nil if there is none.
func (n *node) chain() []string {
	n.t.Helper()
	return netns.List(n.t, n.host(), n.family, "IP-MASQ")
}

// jumps lists the rules of POSTROUTING that lead to the agent's chain.
func (n *node) jumps() []string {
	n.t.Helper()
	return slices.DeleteFunc(netns.List(n.t, n.host(), n.family, "POSTROUTING"), func(rule string) bool {
		return !strings.HasSuffix(rule, " -j IP-MASQ")
	})
}

// waitAdopted waits until the node has the chain want and these jumps to it.
func (n *node) waitAdopted(want []string, jumps ...string) {
	n.t.Helper()
	program.Eventually(n.t, func() string {
		if diff := cmp.Diff(want, n.chain()); diff != "" {
			return "chain (-want +got):\n" + diff
		}
		if diff := cmp.Diff(jumps, n.jumps()); diff != "" {
			return "jumps (-want +got):\n" + diff
		}
		return ""
	})
}
