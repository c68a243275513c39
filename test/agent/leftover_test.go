// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/rules"
)

// TestLeftoversAreReported starts the agent on each backend, with rules of an
// earlier agent in each other backend. Those rules still masquerade, so the
// agent logs how to remove them. It does not change them.
func TestLeftoversAreReported(t *testing.T) {
	for _, backend := range netns.Backends() {
		for _, other := range netns.OtherBackends(backend) {
			t.Run("on "+backend+" beside "+other, func(t *testing.T) {
				netns.Require(t, "iptables-nft", "iptables-legacy", "nft")
				netns.Run(t, func(t *testing.T) {
					n := newNode(t, backend, "IPv4")
					clean := n.start()
					n.wait(n.defaultChain())
					clean.WaitLog("Starting to sync")
					clean.Stop(terminate)
					warning := []string{"rules of this agent are in another backend", "cleanup --backend=" + other, `family="IPv4"`}
					if clean.Log.Count(warning...) != 0 {
						t.Errorf("the log warns about %s, which has no rules:\n%s", other, clean.Log.String())
					}
					leftover := rules.New(other, "IPv4")
					rules.Damage(t, leftover, leftover.Outdated)
					before := leftover.List(t)
					p := n.start()
					p.WaitLog(warning...)
					n.wait(n.defaultChain())
					if said := p.Log.Count(warning...); said != 1 {
						t.Errorf("the warning was logged %d times, want once", said)
					}
					if after := leftover.List(t); after != before {
						t.Errorf("the old rules changed from\n%s\nto\n%s", before, after)
					}
				})
			})
		}
	}
}
