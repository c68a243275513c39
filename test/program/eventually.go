// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package program

import (
	"testing"
	"time"
)

// Patience is the time limit of every wait of a test. It is long, so that a
// test fails only if the agent does, also on a busy machine. It is shorter than
// the default resyncInterval of one minute, because some tests check that the
// agent acts before the next resync.
const Patience = 40 * time.Second

// Eventually calls check until it returns "". If that does not happen within
// [Patience], the test fails with the last result of check. Eventually returns
// how long it waited.
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
