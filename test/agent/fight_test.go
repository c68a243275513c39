// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"testing"
	"time"
)

// TestTwoAgentsThatDisagree have different files for one chain. Each of them
// repairs five times, a second apart, and then less and less often.
func TestTwoAgentsThatDisagree(t *testing.T) {
	eachNode(t, func(n *node) {
		iptables := n.shim()
		before := n.writes(iptables)
		first := n.startRight(never, n.defaultChain())
		other := newNode(n.t, n.backend, n.family)
		other.env = n.env
		other.config.write(n.t, n.pick("nonMasqueradeCIDRs: [10.0.0.0/8]\n", "nonMasqueradeCIDRs: ['fd00::/8']\n")+never)
		second := other.start("--http-bind-address=127.0.0.1:10293")
		time.Sleep(25 * time.Second)
		// Without damping it is 50 for each family; with it, each agent has had
		// eight by now.
		families := map[string]int{"IPv4": 1, "IPv6": 2}[n.family] // in which they disagree
		if writes := n.writes(iptables) - before; writes < 8 || writes > 24*families {
			n.t.Errorf("%d writes in 25 s", writes)
		}
		told := 0
		for _, agent := range []interface{ Count(...string) int }{&first.Log, &second.Log} {
			count := agent.Count("something else keeps changing the rules", n.family)
			if count > 1 {
				n.t.Errorf("the agent said %d times that it fights", count)
			}
			told += count
		}
		if told == 0 {
			n.t.Error("no agent said that it fights")
		}
	})
}
