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
			rules.Damage(t, n.rules, tt.damage)
			took := n.waitRight()
			t.Logf("%s: repaired after %v", tt.name, took.Round(10*time.Millisecond))
			if took > repairTime {
				t.Errorf("%s: repaired after %v, want about a second", tt.name, took)
			}
			n.rest()
		}
	})
}
