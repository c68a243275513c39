// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/program"
)

// Two agents on one node, as during a rolling update: whoever comes second
// finds everything right, and neither undoes what the other did.
func TestTwoAgents(t *testing.T) {
	eachNode(t, func(n *node) {
		spy := n.shim()
		n.config.write(n.t, n.threeRanges())
		ports := []string{"--to-ports=2001-3000,4001-5000"}
		for range 2 {
			n.start(ports...)
		}
		var want []string
		settled := func() {
			n.t.Helper()
			program.Eventually(n.t, func() string {
				if diff := cmp.Diff([]string{jump}, n.jumps()); diff != "" {
					return "jumps (-want +got):\n" + diff
				}
				got := n.chain()
				if want == nil && len(got) == 12 {
					want = got
				}
				if diff := cmp.Diff(want, got); want == nil || diff != "" {
					return "chain (-want +got):\n" + diff
				}
				before := spy.writes(n.t)
				time.Sleep(500 * time.Millisecond) // five intervals of each
				if after := spy.writes(n.t); after != before {
					return "the agents go on writing: " + strconv.Itoa(after-before) + " times in half a second"
				}
				return ""
			})
		}
		settled()
		for _, lines := range [][]string{
			{"-D POSTROUTING 1", ":IP-MASQ - [0:0]", "-X IP-MASQ"},
			{":IP-MASQ - [0:0]"},
			{"-D POSTROUTING 1"},
			{jump, jump},
			{"-I IP-MASQ 1 -j ACCEPT", jump},
		} {
			n.restore(slices.Concat([]string{"*nat"}, lines, []string{"COMMIT"})...)
			settled()
		}
		n.config.write(n.t, n.oneRange())
		want = slices.Concat(n.oneRangeChain()[:3], want[5:])
		settled()
	})
}
