// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"strings"

	"ip-masq-agent/test/netns"
)

// iptablesBackend returns the iptables backend that other programs on the node use.
func (n *node) iptablesBackend() string {
	if n.nftables() {
		return "iptables-nft"
	}
	return n.backend
}

// iptables runs a command on the nat table. The test fails if the command does.
func (n *node) iptables(args ...string) string {
	n.t.Helper()
	return netns.IPTables(n.t, n.iptablesBackend(), n.family, args...)
}

// restore runs iptables-restore --noflush, which makes one commit of the lines.
func (n *node) restore(lines ...string) {
	n.t.Helper()
	netns.Restore(n.t, n.iptablesBackend(), n.family, strings.Join(lines, "\n")+"\n")
}

// chain returns the agent's chain as iptables -S prints it, or nil if it does
// not exist.
func (n *node) chain() []string {
	n.t.Helper()
	return netns.List(n.t, n.iptablesBackend(), n.family, "IP-MASQ")
}

// foreign dumps the nat table of iptables without the agent's chain and the
// jumps to it.
func (n *node) foreign() string {
	n.t.Helper()
	var b strings.Builder
	for line := range strings.Lines(netns.Save(n.t, n.iptablesBackend(), n.family)) {
		if !n.owns(line) {
			b.WriteString(line)
		}
	}
	return b.String()
}
