// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"slices"
	"strings"

	"ip-masq-agent/test/netns"
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
