// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package idle_test

import (
	"testing"
	"time"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/rules"
)

// healingTime is far more than the second or two that it takes, and far less
// than the interval.
const healingTime = 10 * time.Second

// TestDriftIsHealedLongBeforeTheInterval breaks what an agent of another kind
// would find broken a minute later.
func TestDriftIsHealedLongBeforeTheInterval(t *testing.T) {
	netns.FullMatrix(t, func(t *testing.T, backend, family string) {
		n := start(t, backend, family, "60s")
		tests := []struct {
			name   string
			damage func() []string
		}{
			{"rules flushed", n.rules.Flush},
			{"jump or base chain deleted", n.rules.Unhook},
			{"both gone", n.rules.Remove},
		}
		for _, tt := range tests {
			rules.Damage(t, n.rules, tt.damage)
			took := n.waitRight()
			t.Logf("%s: healed after %v", tt.name, took.Round(10*time.Millisecond))
			if took > healingTime {
				t.Errorf("%s: healed after %v, want about a second", tt.name, took)
			}
			n.rest()
		}
	})
}
