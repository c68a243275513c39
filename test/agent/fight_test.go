// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"fmt"
	"testing"
	"time"

	"ip-masq-agent/test/program"
)

// TestTwoAgentsThatDisagree runs two agents with different files for one chain.
// Each of them repairs the chain five times, one second apart, and then at
// increasing intervals.
func TestTwoAgentsThatDisagree(t *testing.T) {
	eachNode(t, func(n *node) {
		iptables := n.shim()
		before := n.writes(iptables)
		first := n.startRight(never, n.defaultChain())
		other := newNode(n.t, n.backend, n.family)
		other.env = n.env
		other.config.write(n.t, n.byFamily("nonMasqueradeCIDRs: [10.0.0.0/8]\n", "nonMasqueradeCIDRs: ['fd00::/8']\n")+never)
		second := other.start("--http-bind-address=127.0.0.1:10293")
		const fight = "something else keeps changing the rules"
		time.Sleep(25 * time.Second)
		// Without the increasing intervals there would be 50 writes per family.
		// With them each agent has made eight by now.
		families := map[string]int{"IPv4": 1, "IPv6": 2}[n.family] // the number of families in which the files differ
		if writes := n.writes(iptables) - before; writes > 24*families {
			n.t.Errorf("%d writes in 25 s, want at most %d", writes, 24*families)
		}
		program.Eventually(n.t, func() string { // on a busy machine it takes longer
			if writes := n.writes(iptables) - before; writes < 8 {
				return fmt.Sprintf("%d writes, want at least 8", writes)
			}
			if first.Log.Count(fight, n.family)+second.Log.Count(fight, n.family) == 0 {
				return "no agent logged the fight"
			}
			return ""
		})
		for _, agent := range []*program.Process{first, second} {
			if count := agent.Log.Count(fight, n.family); count > 1 {
				n.t.Errorf("the agent logged the fight %d times, want at most once", count)
			}
		}
	})
}
