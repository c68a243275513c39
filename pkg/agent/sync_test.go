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

// TestSyncsAreReported: the observer receives a sync that wrote rules, one that
// repaired them, one in which the kernel proved that nothing changed, and a failure.
func TestSyncsAreReported(t *testing.T) {
	traffic := func(n uint64) netfilter.Traffic {
		return netfilter.Traffic{Kept: netfilter.Count{Packets: n, Bytes: 60 * n}}
	}
	failure := errors.New("the lock is held")
	synctest.Test(t, func(t *testing.T) {
		n := start(t, first, func(n *node) {
			n.v4.takes, n.v4.change = 30*time.Millisecond, netfilter.Unchanged
			n.v4.report = netfilter.Report{WroteChain: true, WroteJump: true, Rules: 3, Traffic: traffic(1)}
		})
		wait(10500 * time.Millisecond)
		n.v4.set(func(r *recorder) { r.change, r.report.Traffic = netfilter.Changed, traffic(2) })
		wait(time.Second) // at 11 s
		n.v4.set(func(r *recorder) { r.change, r.report.Traffic = netfilter.Unchanged, traffic(7) })
		wait(60 * time.Second) // at 71 s
		n.v4.set(func(r *recorder) { r.change, r.err = netfilter.Changed, failure })
		wait(time.Second)
		_, got := n.observer.seen(netfilter.IPv4)
		for i := range got {
			if got[i].Err != nil {
				check(t, "the failure", failure.Error(), got[i].Err.Error())
				got[i].Err = nil
			}
		}
		check(t, "syncs", []Sync{
			{Source: FromFile, Rules: 3, Traffic: traffic(1), Duration: 30 * time.Millisecond},
			{Source: FromFile, Rules: 3, Traffic: traffic(2), Duration: 30 * time.Millisecond, RepairedChain: true, RepairedJump: true},
			{Source: FromFile, Rules: 3, Traffic: traffic(7)},
			{Source: FromFile, Duration: 30 * time.Millisecond},
		}, got)
		check(t, "syncs that began", 3, n.observer.started[netfilter.IPv4])
	})
}

// TestDampingEndsWithoutASync: damping ends if the kernel proves for a minute that
// nothing changed.
func TestDampingEndsWithoutASync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, first, func(n *node) { n.v4.change, n.v4.report.WroteChain = netfilter.Changed, true })
		wait(7 * time.Second)
		_, syncs := n.observer.seen(netfilter.IPv4)
		check(t, "the last one", Sync{Source: FromFile, RepairedChain: true, Damped: true}, syncs[len(syncs)-1])
		n.v4.set(func(r *recorder) { r.change = netfilter.Unchanged })
		wait(61 * time.Second)
		_, syncs = n.observer.seen(netfilter.IPv4)
		check(t, "after a quiet minute", Sync{Source: FromFile}, syncs[len(syncs)-1])
	})
}

// TestChangeChecksPerSecond: the kernel is checked once a second, and once more if
// that wakes the syncer. An idle agent wakes no goroutine.
func TestChangeChecksPerSecond(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change netfilter.Change
		cost   time.Duration
		want   int // in ten seconds, without the one at the start
	}{
		{"nothing happens", netfilter.Unchanged, 0, 10},
		{"changes above the CPU limit", netfilter.Changed, time.Minute, 10},
		{"changes that trigger a sync", netfilter.Changed, 0, 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := start(t, first, func(n *node) { n.v4.change, n.v4.report.Cost = tt.change, tt.cost })
				wait(10500 * time.Millisecond)
				check(t, "checks", tt.want+1, n.v4.checks)
			})
		})
	}
}
