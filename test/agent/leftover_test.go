// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/rules"
)

// TestLeftoversAreReported starts the agent on each backend beside what an
// agent of each other backend left. Its rules go on masquerading, so the log
// says how to remove them; the agent itself leaves them alone.
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
						t.Errorf("the log speaks of %s, which holds nothing:\n%s", other, clean.Log.String())
					}
					leftover := rules.New(other, "IPv4")
					rules.Damage(t, leftover, leftover.Outdated)
					before := leftover.List(t)
					p := n.start()
					p.WaitLog(warning...)
					n.wait(n.defaultChain())
					if said := p.Log.Count(warning...); said != 1 {
						t.Errorf("the warning was logged %d times", said)
					}
					if after := leftover.List(t); after != before {
						t.Errorf("the leftover changed from\n%s\nto\n%s", before, after)
					}
				})
			})
		}
	}
}
