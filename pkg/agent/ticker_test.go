// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"context"
	"testing"
	"time"
)

// TestKernelTicker: no tick comes early, ticks that nothing waited for count once,
// a tick allocates nothing, and the end of the context ends a wait.
func TestKernelTicker(t *testing.T) {
	const interval = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began := time.Now()
	ticker, err := NewTicker(ctx, interval)
	if err != nil {
		t.Fatal(err)
	}
	wait := func() {
		t.Helper()
		if !ticker.Wait() {
			t.Fatal("Wait returned false while the context is not done")
		}
	}
	const ticks = 5
	for range ticks {
		wait()
	}
	if took := time.Since(began); took < ticks*interval {
		t.Errorf("%d ticks came after %v, before %v", ticks, took, ticks*interval)
	}
	time.Sleep(3 * interval)
	wait() // for those that were missed
	if ticker.ticks < 2 {
		t.Errorf("the wait returned %d ticks, and 3 intervals had passed", ticker.ticks)
	}
	fast, err := NewTicker(ctx, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	// The average is rounded down: what the runtime allocates meanwhile is less than one.
	if n := testing.AllocsPerRun(200, func() { fast.Wait() }); n != 0 {
		t.Errorf("a tick allocates %v times", n)
	}

	waits := make(chan bool)
	go func() {
		for ticker.Wait() {
		}
		waits <- false
	}()
	cancel()
	<-waits
	if ticker.Wait() {
		t.Error("Wait returned true after the end of the context")
	}
}
