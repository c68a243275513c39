// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"ip-masq-agent/pkg/netfilter"
)

// TestFailedSyncIsRetried: the pauses double up to 64 s, and are never longer than
// resyncInterval.
func TestFailedSyncIsRetried(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name, file string
		change     netfilter.Change
		after      time.Duration
		want       []time.Duration // of attempts
	}{
		{"each resyncInterval", "resyncInterval: 10s", netfilter.ChangeUnknown, 40 * s, []time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s, 25 * s, 35 * s}},
		{"each 64 s", "resyncInterval: 1h", netfilter.ChangeUnknown, 260 * s, []time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s, 31 * s, 63 * s, 127 * s, 191 * s, 255 * s}},
		{"a change triggers no retry", missing, netfilter.Changed, 10 * s, []time.Duration{0, 1 * s, 3 * s, 7 * s}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := start(t, tt.file, func(n *node) { n.v4.err, n.v4.change = errors.New("the lock is held"), tt.change })
				wait(tt.after)
				check(t, "attempts at", tt.want, n.v4.takeTimes())
			})
		})
	}
}

// TestSuccessResetsTheRetries: the first pause after a success is 1 s again.
func TestSuccessResetsTheRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, "resyncInterval: 10s", func(n *node) { n.v4.err = errors.New("the lock is held") })
		wait(40 * time.Second)
		n.v4.take()
		n.v4.set(func(r *recorder) { r.err = nil })
		wait(5 * time.Second)
		n.v4.set(func(r *recorder) { r.err = errors.New("again") })
		wait(11 * time.Second)
		check(t, "attempts at", []time.Duration{45 * time.Second, 55 * time.Second, 56 * time.Second}, n.v4.takeTimes())
	})
}
