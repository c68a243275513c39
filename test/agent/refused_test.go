// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const refused = `nonMasqueradeCIDRs:
  - 10.0.0.0/8
  - 10.0.0.300/8
resyscInterval: 60s
`

// The last good configuration stays in force and goes on being healed.
func TestRefusedFileChangesNothing(t *testing.T) {
	eachNode(t, func(n *node) {
		p := n.startRight(n.threeRanges(), n.threeRangesChain())
		n.config.write(n.t, refused)
		p.WaitLog(n.config.path(), "10.0.0.300/8")    // all problems, with
		p.WaitLog("resyscInterval", "resyncInterval") // what to write instead
		said := p.Log.Count("10.0.0.300/8")

		// Each healing is a tick in which the refused file was there.
		for range 5 {
			n.do(n.rules.Flush)
			n.wait(n.threeRangesChain())
		}
		n.do(n.rules.Remove)
		n.wait(n.threeRangesChain())
		if got := p.Log.Count("10.0.0.300/8"); got != said {
			n.t.Errorf("the error was logged %d times, then %d times", said, got)
		}

		n.config.write(n.t, "nonMasqueradeCIDRs: [10.0.0.1]\n") // another mistake
		p.WaitLog("10.0.0.1/32")
		n.check("a refused file changed the rules", n.threeRangesChain())
		n.config.write(n.t, n.oneRange()) // the fix
		n.wait(n.oneRangeChain())
	})
}

// A restarted agent knows no last good configuration. The kernel does: its
// rules stay as they are, and nothing else is done to them.
func TestRefusedAtStartLeavesTheRulesAlone(t *testing.T) {
	eachNode(t, func(n *node) {
		n.do(n.rules.Outdated)
		before := n.rules.ListWithCounters(n.t)
		n.config.write(n.t, refused)
		p := n.start()
		p.WaitLog("10.0.0.300/8")
		// A refused file that changes is read, and so is the kernel again.
		n.config.write(n.t, "resyncInterval: 1ms\n")
		p.WaitLog("resyncInterval", "1ms", "100ms")
		if diff := cmp.Diff(before, n.rules.ListWithCounters(n.t)); diff != "" {
			n.t.Errorf("a refused file changed the rules (-before +after):\n%s", diff)
		}

		n.config.write(n.t, n.oneRange())
		n.wait(n.oneRangeChain())
	})
}

// A chain or a table without rules masquerades nothing: like none.
func TestRefusedAtStartWithoutRules(t *testing.T) {
	eachNode(t, func(n *node) {
		n.do(n.rules.Emptied)
		n.config.write(n.t, refused)
		n.start()
		n.wait(n.defaultChain())
	})
}
