// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const invalid = `nonMasqueradeCIDRs:
  - 10.0.0.0/8
  - 10.0.0.300/8
resyscInterval: 60s
`

// TestRejectedFileChangesNothing checks that after an invalid edit the last
// valid configuration stays in force and is repaired.
func TestRejectedFileChangesNothing(t *testing.T) {
	eachNode(t, func(n *node) {
		p := n.startRight(n.threeRanges(), n.threeRangesChain())
		n.config.write(n.t, invalid)
		p.WaitLog(n.config.path(), "10.0.0.300/8")    // all errors of the file
		p.WaitLog("resyscInterval", "resyncInterval") // with the suggested fix
		logged := p.Log.Count("10.0.0.300/8")

		// The agent has polled the invalid file before each repair.
		for range 5 {
			n.damage(n.rules.Flush)
			n.wait(n.threeRangesChain())
		}
		n.damage(n.rules.Remove)
		n.wait(n.threeRangesChain())
		if got := p.Log.Count("10.0.0.300/8"); got != logged {
			n.t.Errorf("the unchanged error was logged again: %d times, then %d times", logged, got)
		}

		n.config.write(n.t, "nonMasqueradeCIDRs: [10.0.0.1]\n") // another error
		p.WaitLog("10.0.0.1/32")
		n.check("after another invalid edit", n.threeRangesChain())
		n.config.write(n.t, n.oneRange()) // a valid file
		n.wait(n.oneRangeChain())
	})
}

// TestRejectedAtStartLeavesTheRulesAlone starts the agent with an invalid file
// and rules in the kernel. Without a valid configuration the agent does not
// change existing rules.
func TestRejectedAtStartLeavesTheRulesAlone(t *testing.T) {
	eachNode(t, func(n *node) {
		n.damage(n.rules.Outdated)
		before := n.rules.ListWithCounters(n.t)
		n.config.write(n.t, invalid)
		p := n.start()
		p.WaitLog("10.0.0.300/8")
		// The agent reads an edited file, and checks the kernel, also if the
		// file is still invalid.
		n.config.write(n.t, "resyncInterval: 1ms\n")
		p.WaitLog("resyncInterval", "1ms", "100ms")
		if diff := cmp.Diff(before, n.rules.ListWithCounters(n.t)); diff != "" {
			n.t.Errorf("an invalid file changed the rules (-before +after):\n%s", diff)
		}

		n.config.write(n.t, n.oneRange())
		n.wait(n.oneRangeChain())
	})
}

// TestRejectedAtStartWithoutRules starts the agent with an invalid file and a
// chain or table without rules, which counts as none: it gets the defaults.
func TestRejectedAtStartWithoutRules(t *testing.T) {
	eachNode(t, func(n *node) {
		n.damage(n.rules.Emptied)
		n.config.write(n.t, invalid)
		n.start()
		n.wait(n.defaultChain())
	})
}
