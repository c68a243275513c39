// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"testing"
	"testing/synctest"
	"time"

	"ip-masq-agent/pkg/netfilter"
)

// TestFightsAreDamped: another program undoes each repair within a second.
func TestFightsAreDamped(t *testing.T) {
	const s = time.Second
	chain := netfilter.Report{WroteChain: true}
	tests := []struct {
		name, file string
		report     netfilter.Report
		want       []time.Duration // of syncs within 200 s
	}{
		{"chain", missing, chain, []time.Duration{0, 1 * s, 2 * s, 3 * s, 4 * s, 5 * s, 7 * s, 11 * s, 19 * s, 35 * s, 67 * s, 127 * s, 187 * s}},
		{"jump", missing, netfilter.Report{WroteJump: true}, []time.Duration{0, 1 * s, 2 * s, 3 * s, 4 * s, 5 * s, 7 * s, 11 * s, 19 * s, 35 * s, 67 * s, 127 * s, 187 * s}},
		{"up to a shorter interval", "resyncInterval: 3s", chain, []time.Duration{0, 1 * s, 2 * s, 3 * s, 4 * s, 5 * s, 7 * s, 10 * s, 13 * s, 16 * s, 19 * s, 22 * s, 25 * s}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := start(t, tt.file, func(n *node) { n.v4.change, n.v4.report = netfilter.Changed, tt.report })
				wait(200 * s)
				at := n.v4.takeTimes()
				check(t, "syncs at", tt.want, at[:min(len(at), len(tt.want))])
				damped := 0
				_, syncs := n.observer.seen(netfilter.IPv4)
				for _, p := range syncs {
					if p.Damped {
						damped++
					}
				}
				check(t, "damped syncs: all from the fifth repair on", len(syncs)-5, damped)
				if len(at) > len(tt.want) && tt.file == missing {
					t.Errorf("%d syncs, want %d", len(at), len(tt.want))
				}
			})
		})
	}
}

func TestDampingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const s = time.Second
		n := start(t, missing, func(n *node) { n.v4.change, n.v4.report.WroteChain = netfilter.Changed, true })
		wait(7 * s) // six repairs: the next one has to wait for 4 s
		n.v4.take()
		fight := func(on bool) {
			n.v4.set(func(r *recorder) {
				r.report.WroteChain = on
				r.change = netfilter.Unchanged
				if on {
					r.change = netfilter.Changed
				}
			})
		}
		fight(false)
		wait(50 * s)
		fight(true)
		wait(1 * s)
		check(t, "a repair after 50 s of quiet", []application{{58 * s, firstDefault}}, n.v4.take())
		wait(7 * s)
		check(t, "the next one waits for 8 s", nil, n.v4.take())
		fight(false)
		wait(70 * s)
		n.v4.take()
		fight(true)
		wait(5 * s)
		check(t, "repairs after a quiet minute", 5, len(n.v4.take()))
	})
}

// TestSlowRepairsAreNotDamped: four repairs of a kind within a minute are not
// damped, nor are five of two kinds.
func TestSlowRepairsAreNotDamped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d damping
		for i := range 20 {
			if d.repaired(time.Hour, repairChain) || d.waiting() {
				t.Errorf("repair %d was damped, 16 s after the one before", i)
			}
			time.Sleep(16 * time.Second)
		}
		d = damping{}
		for range 10 { // the fifth is just a minute after the first
			if d.repaired(time.Hour, repairChain, repairJump) {
				t.Error("a repair was damped, 15 s after the one before")
			}
			time.Sleep(15 * time.Second)
		}
		time.Sleep(time.Minute)
		for i := range 5 { // the fifth quick one is damped, although the kinds differ
			kinds := []repair{repairChain, repairJump}
			if i < 4 {
				kinds = kinds[:1]
			}
			if got := d.repaired(time.Hour, kinds...); got != (i == 4) {
				t.Errorf("quick repair %d after slow ones: damped %v", i, got)
			}
		}
		before := d
		time.Sleep(time.Millisecond)
		if d.repaired(time.Hour) || d.pause != before.pause || d.last != before.last {
			t.Error("a sync without a repair counts as a repair")
		}
		d = damping{}
		for range 4 {
			if d.repaired(time.Hour, repairChain) || d.repaired(time.Hour, repairJump) || d.repaired(time.Hour) {
				t.Error("four repairs of a kind were damped")
			}
		}
		if !d.repaired(time.Hour, repairJump) || !d.waiting() {
			t.Error("the fifth was not")
		}
		time.Sleep(2*time.Second + fightWindow - 1)
		if d.calm() {
			t.Error("calm before the minute was over")
		}
		if time.Sleep(time.Nanosecond); !d.calm() || d.calm() || d.waiting() {
			t.Error("not calm, once, after a minute")
		}
	})
}
