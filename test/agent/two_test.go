// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// TestTwoAgents runs two agents on one node, as during a rolling update. The
// second one finds the right rules, and neither changes what the other has
// written.
func TestTwoAgents(t *testing.T) {
	eachNode(t, func(n *node) {
		spy := n.shim()
		n.config.write(n.t, n.threeRanges())
		ports := []string{"--to-ports=2001-3000,4001-5000"}
		for range 2 {
			n.start(ports...)
		}
		// Each range has half of the ports.
		shares := append(forEachProtocol(toPortsChance+"0.50000000000 -j MASQUERADE --to-ports 2001-3000 --random-fully",
			toPorts+"4001-5000 --random-fully"), last)
		settled := func(ranges []string) {
			n.t.Helper()
			want := slices.Concat(ranges[:len(ranges)-1], shares)
			program.Eventually(n.t, func() string {
				if differ := n.rules.Differ(n.t, want); differ != "" {
					return differ
				}
				before := n.writes(spy)
				time.Sleep(500 * time.Millisecond) // five resync intervals
				if after := n.writes(spy); after != before {
					return "the agents still write: " + strconv.Itoa(after-before) + " times in half a second"
				}
				return ""
			})
		}
		settled(n.threeRangesChain())
		for _, lines := range n.damages() {
			n.commit(lines...)
			settled(n.threeRangesChain())
		}
		n.config.write(n.t, n.oneRange())
		settled(n.oneRangeChain())
	})
}

// damages returns commits of a third program which both agents repair.
func (n *node) damages() [][]string {
	damages := [][]string{n.rules.Remove(), n.rules.Flush(), n.rules.Unhook(), n.rules.InsertAccept()}
	if n.nftables() {
		return damages
	}
	return append(damages, []string{jump, jump}, []string{"-I IP-MASQ 1 -j ACCEPT", jump})
}

// writes returns the number of writes to the agent's backend: calls of commands
// that write, or with nftables all commits.
func (n *node) writes(spy *shims) int {
	n.t.Helper()
	if n.nftables() {
		return int(netns.Generation(n.t))
	}
	return spy.writes(n.t)
}
