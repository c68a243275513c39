// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/rules"
)

// TestExistingTableIsReplaced starts the agent on a node that already has a
// table with the agent's name.
func TestExistingTableIsReplaced(t *testing.T) {
	eachNFTablesNode(t, func(n *node) {
		own := n.rules
		n.startRight(n.threeRanges(), n.threeRangesChain()).Stop(terminate)
		right := own.List(n.t)
		table := n.byFamily("ip", "ip6") + " " + rules.Table
		tests := []struct {
			name   string
			before []string
		}{
			{"no table", nil},
			{"an empty table", []string{"add table " + table}},
			{"flushed rules of an earlier agent", own.Emptied()},
			{"rules of an earlier agent", own.Outdated()},
			{"dormant table", []string{"add table " + table + " { flags dormant; }"}},
			{"table of another program", []string{"add table " + table, "add set " + table + " destinations { type inet_service; }",
				"add chain " + table + " masq { type filter hook output priority 0; policy drop; }", "add counter " + table + " kept"}},
			{"right table, written by nft", []string{right}},
			{"right table, written by nft, dormant", []string{right, "add table " + table + " { flags dormant; }"}},
		}
		for _, tt := range tests {
			n.run(tt.name, func(n *node) {
				n.commit(append([]string{"table " + table, "delete table " + table}, tt.before...)...)
				others := n.others()
				n.config.write(n.t, n.threeRanges())
				p := n.start()
				n.waitRestored(n.threeRangesChain(), right)
				if diff := cmp.Diff(others, n.othersNow()); diff != "" {
					n.t.Errorf("rules of other programs changed (-before +after):\n%s", diff)
				}
				n.damage(n.rules.Flush)
				n.waitRestored(n.threeRangesChain(), right)
				p.Stop(terminate)
			})
		}
	})
}

// TestEditKeepsCounters edits the file with the backend nftables. The agent
// replaces only elements of the map, so chains and rules keep their handles and
// counters.
func TestEditKeepsCounters(t *testing.T) {
	eachNFTablesNode(t, func(n *node) {
		w := newTestbed(n)
		n.startRight(n.oneRange(), n.oneRangeChain())
		w.waitSource(w.podAddr, w.privateAddr())
		w.waitSource(w.nodeAddr, w.publicAddr())
		before := withoutElements(n.rules.ListWithCounters(n.t))
		n.config.write(n.t, n.threeRanges())
		n.wait(n.threeRangesChain())
		n.config.write(n.t, "nonMasqueradeCIDRs: []\nmasqLinkLocal: true\nmasqLinkLocalIPv6: true\nresyncInterval: 100ms\n")
		n.wait(chain())
		n.config.write(n.t, n.oneRange())
		n.wait(n.oneRangeChain())
		if diff := cmp.Diff(before, withoutElements(n.rules.ListWithCounters(n.t))); diff != "" {
			n.t.Errorf("the edits changed more than elements (-before +after):\n%s", diff)
		}
	})
}

// withoutElements removes the elements of sets and maps from the output of nft.
func withoutElements(list string) string {
	return regexp.MustCompile(`(?s)\n\s*elements = \{.*?\}`).ReplaceAllString(list, "")
}
