// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ip-masq-agent/pkg/netfilter"
)

// errCannotHold is the error of a sync if the kernel cannot hold the rules.
var errCannotHold = fmt.Errorf("restoring: %w", errors.ErrUnsupported)

// TestOptionalFamilyIsUnsupported: if the first write fails because the kernel cannot
// hold the rules, the family is off, which is no failure, and the write is retried.
func TestOptionalFamilyIsUnsupported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &need{needed: true}
		n := start(t, "resyncInterval: 1h", d.optional, func(n *node) { n.v6.err = errCannotHold })
		wait(10 * time.Second)
		const s = time.Second
		check(t, "applied", []application{{0, firstDefault}, {1 * s, firstDefault}, {3 * s, firstDefault}, {7 * s, firstDefault}}, n.v6.take())
		check(t, "decisions", []bool{false, false, false, false}, n.decisions())
		_, syncs := n.observer.seen(netfilter.IPv6)
		check(t, "syncs", nil, syncs)
		check(t, "logged", 1, n.logged("Leaving the family off, though it is needed"))
		check(t, "logged", 0, n.logged("Enabled the family")+n.logged("Failed to sync"))

		n.v6.set(func(r *recorder) { r.err = nil })
		wait(10 * time.Second)
		check(t, "applied", []application{{15 * s, firstDefault}}, n.v6.take())
		check(t, "decisions", []bool{false, false, false, false, true}, n.decisions())
		check(t, "logged", 1, n.logged("Enabled the family"))
		n.v6.set(func(r *recorder) { r.err = errCannotHold })
		wait(time.Hour)
		_, syncs = n.observer.seen(netfilter.IPv6)
		check(t, "rules that were written are not given up", text(errCannotHold), text(syncs[len(syncs)-1].Err))
	})
}

// TestOptionalFamilyHasRulesThatAreUnsupported: rules that are in the kernel must not
// become outdated in silence.
func TestOptionalFamilyHasRulesThatAreUnsupported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &need{needed: true}
		n := start(t, first, d.optional, func(n *node) { n.v6.err, n.v6.hasRules = errCannotHold, true })
		wait(10 * time.Second)
		check(t, "decisions", true, len(n.decisions()) > 0 && n.decisions()[0])
		check(t, "logged", 1, n.logged("Failed to sync rules"))
	})
}

// TestOptionalFamilyFails: any other failure of the first write is that of an enabled
// family, until the node does not need the family any more.
func TestOptionalFamilyFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &need{needed: true}
		n := start(t, "resyncInterval: 1h", d.optional, func(n *node) { n.v6.err = errors.New("the lock is held") })
		wait(10 * time.Second)
		check(t, "decisions", []bool{true, true, true, true}, n.decisions())
		check(t, "logged", 1, n.logged("Failed to sync rules"))
		d.set(func(d *need) { d.needed = false })
		wait(10 * time.Second)
		check(t, "decisions", []bool{true, true, true, true, false}, n.decisions())
		check(t, "logged", 1, n.logged("Leaving the family off until the node needs it"))
	})
}

// TestOptionalFamilyMayHaveRules: if the kernel cannot be asked for rules of an agent
// that ran before, it is asked again until it answers.
func TestOptionalFamilyMayHaveRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &need{}
		n := start(t, "resyncInterval: 1h", d.optional, func(n *node) { n.v6.hasRules, n.v6.rulesErr = true, errors.New("interrupted") })
		wait(10 * time.Second)
		check(t, "applied", nil, n.v6.take())
		check(t, "logged", 1, n.logged("will check again whether the kernel holds rules of this agent"))
		n.v6.set(func(r *recorder) { r.rulesErr = nil })
		wait(10 * time.Second)
		check(t, "applied", []application{{15 * time.Second, firstDefault}}, n.v6.take())
		check(t, "decisions", []bool{false, false, false, false, true}, n.decisions())
	})
}

// TestOptionalFamilyHasNoRules: a kernel that cannot hold rules has
// none, so it is not asked again.
func TestOptionalFamilyHasNoRules(t *testing.T) {
	for name, err := range map[string]error{"none": nil, "unsupported": errCannotHold} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &need{}
				n := start(t, first, d.optional, func(n *node) { n.v6.rulesErr = err })
				wait(90 * time.Second)
				check(t, "asked on the interval", [2]int{2, 0}, d.counts())
				check(t, "logged", 1, n.logged("Leaving the family off until the node needs it"))
			})
		})
	}
}
