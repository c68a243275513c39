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

func TestInvalidFileAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, broken, func(n *node) { n.v4.hasRules = true })
		check(t, "a chain that has rules is left unchanged", nil, n.v4.take())
		check(t, "where there is none, the defaults", []application{{0, firstDefault}}, n.v6.take())
		n.v6.set(func(r *recorder) { r.hasRules = true }) // the defaults, now
		wait(60 * time.Second)
		check(t, "still left unchanged", nil, n.v4.take())
		check(t, "the defaults are verified", []application{{60 * time.Second, firstDefault}}, n.v6.take())
		for f, want := range map[netfilter.Family]Source{netfilter.IPv4: FromKernel, netfilter.IPv6: FromDefault} {
			_, syncs := n.observer.seen(f)
			check(t, f.String()+" source", want, syncs[len(syncs)-1].Source)
		}
		n.v4.set(func(r *recorder) { r.hasRules = false })
		wait(60 * time.Second)
		check(t, "the chain was deleted", []application{{62 * time.Second, firstDefault}}, n.v4.take())
		n.write(first)
		wait(time.Second)
		check(t, "a valid file", []application{{121 * time.Second, "10.1.0.0/16"}}, n.v4.take())
	})
}

// TestRulesFoundAtStart: a valid file is applied although the kernel has rules.
func TestRulesFoundAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, first, func(n *node) { n.v4.hasRules = true })
		check(t, "applied", []application{{0, "10.1.0.0/16"}}, n.v4.take())
	})
}

// TestInvalidFileAndUnreadableRulesAtTheStart: without a valid file, rules that
// cannot be read are not overwritten.
func TestInvalidFileAndUnreadableRulesAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failure := errors.New("netlink: permission denied")
		n := start(t, broken, func(n *node) { n.v4.rulesErr = failure })
		wait(500 * time.Millisecond)
		check(t, "applied", nil, n.v4.take())
		_, syncs := n.observer.seen(netfilter.IPv4)
		if len(syncs) != 1 || syncs[0].Err != failure || syncs[0].Source != FromKernel {
			t.Errorf("reported %+v", syncs)
		}
		n.v4.set(func(r *recorder) { r.rulesErr = nil })
		wait(time.Second)
		check(t, "applied when the rules can be read", []application{{time.Second, firstDefault}}, n.v4.take())
	})
}

// TestStopsWhileATableHangs is the part of invariant 5 that this package is
// responsible for: the agent stops at once, and applies nothing while it stops.
func TestStopsWhileATableHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, first, func(n *node) { n.v4.hangs = true })
		n.v4.take()
		n.stop()
		synctest.Wait()
		select {
		case <-n.stopped:
		default:
			t.Fatal("the agent did not stop")
		}
		check(t, "applied after the stop", nil, n.v4.take())
		_, syncs := n.observer.seen(netfilter.IPv4)
		check(t, "syncs that ended", 0, len(syncs))
	})
}

// TestStopWaitsForTheTable: the agent stops after Apply has returned, which waits
// for the command that it kills.
func TestStopWaitsForTheTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, first, func(n *node) { n.v4.hangs, n.v4.lingers = true, 500*time.Millisecond })
		wait(10 * time.Second)
		check(t, "polls at the start and in ten seconds", 11, n.observer.pollCount())
		n.stop()
		wait(400 * time.Millisecond)
		select {
		case <-n.stopped:
			t.Error("the agent stopped before Apply returned")
		default:
		}
		wait(time.Second)
		select {
		case <-n.stopped:
		default:
			t.Error("the agent did not stop")
		}
	})
}
