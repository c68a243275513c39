// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ip-masq-agent/pkg/netfilter"
)

// need is an Optional that a test changes while the agent runs.
type need struct {
	mu       sync.Mutex
	needed   bool
	possible error
	hangs    bool
	asked    int // how often Needed was called
	tried    int // and Possible
	polled   int // and NeededNow
}

func (d *need) set(change func(d *need)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

func (d *need) counts() [2]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return [2]int{d.asked, d.tried}
}

// optional makes IPv6 optional on a node.
func (d *need) optional(n *node) {
	n.optional = map[netfilter.Family]Optional{netfilter.IPv6: {
		Needed: func() (bool, string) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.asked++
			if d.needed {
				return true, "forwarding is on"
			}
			return false, "forwarding is off"
		},
		NeededNow: func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.polled++
			return d.needed
		},
		Possible: func(ctx context.Context) error {
			d.mu.Lock()
			d.tried++
			err, hangs := d.possible, d.hangs
			d.mu.Unlock()
			if hangs {
				<-ctx.Done()
			}
			return err
		},
	}}
}

func (d *need) polls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.polled
}

func (n *node) decisions() []bool {
	n.observer.mu.Lock()
	defer n.observer.mu.Unlock()
	return n.observer.decisions
}

func TestOptionalFamilyFollowsTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &need{}
		n := start(t, first, d.optional)
		check(t, "IPv4 applied", []application{{0, "10.1.0.0/16"}}, n.v4.take())
		wait(59 * time.Second)
		check(t, "polled each second", 59, d.polls())
		wait(31 * time.Second)
		check(t, "IPv6 applied while it is not needed", nil, n.v6.take())
		check(t, "change checks of IPv6", 0, n.v6.checks)
		check(t, "asked on the interval, and never tried", [2]int{2, 0}, d.counts())
		check(t, "logged", 1, n.logged("Leaving the family off until the node needs it"))

		polls := d.polls() // one less than the seconds if the family was just decided at one of them
		d.set(func(d *need) { d.needed = true })
		wait(30 * time.Second)
		check(t, "applied within a second", []application{{91 * time.Second, "10.1.0.0/16"}}, n.v6.take())
		check(t, "logged", 1, n.logged(`Enabled the family`))
		check(t, "polled until then", polls+1, d.polls())

		d.set(func(d *need) { d.needed = false })
		wait(60 * time.Second)
		check(t, "still verified", []application{{151 * time.Second, "10.1.0.0/16"}}, n.v6.take())
		check(t, "logged", 1, n.logged("not needed any more; its rules stay in force"))
		n.write(second)
		wait(time.Second)
		check(t, "follows the file", []application{{181 * time.Second, "10.2.0.0/16"}}, n.v6.take())
		d.set(func(d *need) { d.needed = true })
		wait(60 * time.Second)
		check(t, "logged", 1, n.logged("The family is needed again"))
		check(t, "decisions", []bool{false, false, true, true, true, true}, n.decisions())
		check(t, "tried once", 1, d.counts()[1])
	})
}

func TestOptionalFamilyIsNeededAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &need{needed: true}
		n := start(t, first, d.optional)
		check(t, "applied", []application{{0, "10.1.0.0/16"}}, n.v6.take())
		wait(60 * time.Second)
		check(t, "verified", []application{{60 * time.Second, "10.1.0.0/16"}}, n.v6.take())
	})
}

// TestOptionalFamilyHasRules: rules of an agent that ran before must not become
// outdated.
func TestOptionalFamilyHasRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &need{}
		n := start(t, first, d.optional, func(n *node) { n.v6.hasRules = true })
		check(t, "applied", []application{{0, "10.1.0.0/16"}}, n.v6.take())
		check(t, "logged", 1, n.logged("because the kernel holds rules of this agent"))
	})
}

// TestOptionalFamilyIsImpossible: the family is off, which is no failure. The agent
// asks again after 1, 2, 4 … s.
func TestOptionalFamilyIsImpossible(t *testing.T) {
	for name, prevent := range map[string]func(*need, *node){
		"no command": func(d *need, _ *node) { d.possible = errors.New("no ip6tables") },
		"no table":   func(_ *need, n *node) { n.v6.rulesErr = errors.New("no table") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &need{needed: true}
				n := start(t, first, d.optional, func(n *node) { prevent(d, n) })
				wait(10 * time.Second)
				check(t, "applied", nil, n.v6.take())
				check(t, "tried at 0, 1, 3 and 7 s", [2]int{4, 4}, d.counts())
				check(t, "logged", 1, n.logged("the backend cannot hold its rules"))
				d.set(func(d *need) { d.possible = nil })
				n.v6.set(func(r *recorder) { r.rulesErr = nil })
				wait(10 * time.Second)
				check(t, "applied", []application{{15 * time.Second, "10.1.0.0/16"}}, n.v6.take())
				check(t, "decisions", []bool{false, false, false, false, true}, n.decisions())
			})
		})
	}
}

// TestOptionalFamilyHangs: the other family goes on, and the agent stops.
func TestOptionalFamilyHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &need{needed: true, hangs: true}
		n := start(t, first, d.optional)
		wait(60 * time.Second)
		check(t, "IPv4 applied", []application{{0, "10.1.0.0/16"}, {60 * time.Second, "10.1.0.0/16"}}, n.v4.take())
		n.stop()
		synctest.Wait()
		select {
		case <-n.stopped:
		default:
			t.Error("the agent did not stop")
		}
		check(t, "decisions", nil, n.decisions())
	})
}
