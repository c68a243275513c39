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

func TestRefusedAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, broken, func(n *node) { n.v4.hasRules = true })
		check(t, "a chain that has rules is left alone", nil, n.v4.take())
		check(t, "where there is none, the defaults", []application{{0, firstDefault}}, n.v6.take())
		n.v6.set(func(r *recorder) { r.hasRules = true }) // the defaults, now
		wait(60 * time.Second)
		check(t, "still left alone", nil, n.v4.take())
		check(t, "the defaults are healed", []application{{60 * time.Second, firstDefault}}, n.v6.take())
		for f, want := range map[netfilter.Family]Source{netfilter.IPv4: FromKernel, netfilter.IPv6: FromDefault} {
			_, passes := n.observer.seen(f)
			check(t, f.String()+" source", want, passes[len(passes)-1].Source)
		}
		n.v4.set(func(r *recorder) { r.hasRules = false })
		wait(60 * time.Second)
		check(t, "the chain went away", []application{{62 * time.Second, firstDefault}}, n.v4.take())
		n.write(first)
		wait(time.Second)
		check(t, "a good file, at last", []application{{121 * time.Second, "10.1.0.0/16"}}, n.v4.take())
	})
}

// TestRulesFoundAtStart: a good file is applied, whatever the kernel has.
func TestRulesFoundAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, first, func(n *node) { n.v4.hasRules = true })
		check(t, "applied", []application{{0, "10.1.0.0/16"}}, n.v4.take())
	})
}

// TestRefusedAtStartAndUnreadable: what cannot be told is not overwritten.
func TestRefusedAtStartAndUnreadable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failure := errors.New("netlink: permission denied")
		n := start(t, broken, func(n *node) { n.v4.rulesErr = failure })
		wait(500 * time.Millisecond)
		check(t, "applied", nil, n.v4.take())
		_, passes := n.observer.seen(netfilter.IPv4)
		if len(passes) != 1 || passes[0].Err != failure || passes[0].Source != FromKernel {
			t.Errorf("told %+v", passes)
		}
		n.v4.set(func(r *recorder) { r.rulesErr = nil })
		wait(time.Second)
		check(t, "applied when it can be told", []application{{time.Second, firstDefault}}, n.v4.take())
	})
}

// TestStopsWhileATableHangs is that of invariant 5 which the agent does: it
// ends at once, and applies nothing on its way out.
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
		_, passes := n.observer.seen(netfilter.IPv4)
		check(t, "passes that ended", 0, len(passes))
	})
}

// TestStopsWhenNothingRuns: a command that is being ended is waited for.
func TestStopsWhenNothingRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, first, func(n *node) { n.v4.hangs, n.v4.lingers = true, 500*time.Millisecond })
		wait(10 * time.Second)
		check(t, "turns in ten seconds, and the first", 11, n.observer.turned())
		n.stop()
		wait(400 * time.Millisecond)
		select {
		case <-n.stopped:
			t.Error("the agent stopped before the table was left")
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
