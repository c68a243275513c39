// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"testing"
	"time"
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
		time.Sleep(25 * time.Second)
		// Without the increasing intervals there would be 50 writes per family.
		// With them each agent has made eight by now.
		families := map[string]int{"IPv4": 1, "IPv6": 2}[n.family] // the number of families in which the files differ
		if writes := n.writes(iptables) - before; writes < 8 || writes > 24*families {
			n.t.Errorf("%d writes in 25 s, want 8 to %d", writes, 24*families)
		}
		logged := 0
		for _, agent := range []interface{ Count(...string) int }{&first.Log, &second.Log} {
			count := agent.Count("something else keeps changing the rules", n.family)
			if count > 1 {
				n.t.Errorf("the agent logged the fight %d times, want at most once", count)
			}
			logged += count
		}
		if logged == 0 {
			n.t.Error("no agent logged the fight")
		}
	})
}
