// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package program

import (
	"testing"
	"time"
)

// Patience bounds every wait. It is so long that only a failure reaches it, and
// shorter than the default resyncInterval of a minute, for the tests in which
// the agent must act before its end.
const Patience = 40 * time.Second

// Eventually polls until check returns "", else fails with what it returned
// last. It returns how long that took.
func Eventually(t testing.TB, check func() string) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		wrong := check()
		if wrong == "" {
			return time.Since(began)
		}
		if time.Since(began) > Patience {
			t.Fatalf("still, after %v: %s", Patience, wrong)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
