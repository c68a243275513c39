// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package idle_test

import (
	"testing"
	"time"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/rules"
)

// repairTime is much longer than the usual second or two, and much shorter than
// resyncInterval.
const repairTime = 10 * time.Second

// TestDriftIsRepairedLongBeforeTheInterval damages the rules. An agent that
// only resyncs would find that a minute later.
func TestDriftIsRepairedLongBeforeTheInterval(t *testing.T) {
	netns.FullMatrix(t, func(t *testing.T, backend, family string) {
		n := start(t, backend, family, "60s")
		tests := []struct {
			name   string
			damage func() []string
		}{
			{"rules flushed", n.rules.Flush},
			{"jump or base chain deleted", n.rules.Unhook},
			{"rules and jump deleted", n.rules.Remove},
		}
		for _, tt := range tests {
			if took := n.repairs(tt.damage); took > repairTime {
				t.Errorf("%s: repaired after %v, want about a second", tt.name, took)
			}
			n.rest()
		}
	})
}

// repairs damages the rules and returns how long the agent takes to repair them. The
// load of the machine can only delay a repair, so if that takes too long, there are
// two more tries, the fastest of which counts.
func (n *node) repairs(damage func() []string) (fastest time.Duration) {
	n.t.Helper()
	for try := 0; try == 0 || try < 3 && fastest > repairTime; try++ {
		rules.Damage(n.t, n.rules, damage)
		took := n.waitRight()
		n.t.Logf("repaired after %v", took.Round(10*time.Millisecond))
		if try == 0 || took < fastest {
			fastest = took
		}
	}
	return fastest
}
