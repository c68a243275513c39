// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
