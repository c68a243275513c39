// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package idle_test

import (
	"strings"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
)

const jump = `POSTROUTING -m comment --comment "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ chain" -m addrtype ! --dst-type LOCAL -j IP-MASQ`

// healingTime is far more than the second or two that it takes, and far less
// than the interval.
const healingTime = 10 * time.Second

// TestDriftIsHealedLongBeforeTheInterval breaks what an agent of another kind
// would find broken a minute later.
func TestDriftIsHealedLongBeforeTheInterval(t *testing.T) {
	tests := []struct{ name, lines string }{
		{"chain flushed", ":IP-MASQ - [0:0]"},
		{"jump deleted", "-D " + jump},
		{"both gone", "-D " + jump + "\n:IP-MASQ - [0:0]\n-X IP-MASQ"},
	}
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		n := start(t, backend, family, "60s")
		for _, tt := range tests {
			netns.Restore(t, backend, family, strings.Join([]string{"*nat", tt.lines, "COMMIT", ""}, "\n"))
			took := n.waitRight()
			t.Logf("%s: healed after %v", tt.name, took.Round(10*time.Millisecond))
			if took > healingTime {
				t.Errorf("%s: healed after %v, want about a second", tt.name, took)
			}
			n.rest()
		}
	})
}
