// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/klog/v2/ktesting"

	"ip-masq-agent/pkg/netfilter"
)

// TestFailuresAreLoggedWhenTheyChange: a failure is not logged at each retry. It is
// logged again if it returns after a success.
func TestFailuresAreLoggedWhenTheyChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, "resyncInterval: 1s", func(n *node) { n.v4.err = errors.New("the lock is held") })
		fail := func(err error) {
			n.v4.set(func(r *recorder) { r.err = err })
			wait(10 * time.Second)
		}
		wait(10 * time.Second)
		check(t, "failures logged, in ten attempts", 1, n.logged("the lock is held"))
		fail(errors.New("no such table"))
		check(t, "another failure", 1, n.logged("no such table"))
		check(t, "recoveries", 0, n.logged("Sync recovered"))
		fail(nil)
		check(t, "recoveries", 1, n.logged("Sync recovered"))
		fail(errors.New("no such table"))
		check(t, "the same failure, after a success", 2, n.logged("no such table"))
		fail(nil)
		check(t, "recoveries", 2, n.logged("Sync recovered"))
	})
}

func TestFailedChangeCheckIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, missing, func(n *node) { n.v4.changeErr = errors.New("no netlink") })
		wait(10 * time.Second)
		check(t, "logged in ten seconds", 1, n.logged("no netlink"))
		n.v4.set(func(r *recorder) { r.changeErr = errors.New("permission denied") })
		wait(10 * time.Second)
		check(t, "another reason", 1, n.logged("permission denied"))
	})
}

func TestRulesLeftUnchangedAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const message = "leaving the rules found in the kernel as they are"
		n := start(t, broken, func(n *node) { n.v4.hasRules = true })
		wait(130 * time.Second)
		check(t, "logged in three syncs", 1, n.logged(message))
	})
}

// TestSyncsAreLogged: the first sync of each family is logged, and the first with
// a new file.
func TestSyncsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, first)
		check(t, "at the start", 2, n.logged("Synced rules"))
		wait(130 * time.Second)
		check(t, "after two more syncs", 2, n.logged("Synced rules"))
		n.write(second)
		wait(time.Second)
		check(t, "after an edit", 4, n.logged("Synced rules"))
		n.write(broken)
		wait(time.Second)
		check(t, "after an invalid edit", 4, n.logged("Synced rules"))
	})
}

// TestLongListsAreShortened: the log has at most 64 ranges of a list and the number
// of the others, with -v=4 all.
func TestLongListsAreShortened(t *testing.T) {
	for _, test := range []struct {
		ranges, verbosity int
		want              string // the end of the list
	}{
		{0, 0, `=[]`},
		{64, 0, `"10.0.62.0/24","10.0.63.0/24"]`},
		{65, 0, `"10.0.62.0/24","10.0.63.0/24","and 1 more, which -v=4 logs"]`},
		{200, 3, `"10.0.62.0/24","10.0.63.0/24","and 136 more, which -v=4 logs"]`},
		{200, 4, `"10.0.198.0/24","10.0.199.0/24"]`},
	} {
		var list []netip.Prefix
		for i := range test.ranges {
			list = append(list, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i)}), 24))
		}
		log := ktesting.NewLogger(ktesting.NopTL{}, ktesting.NewConfig(ktesting.BufferLogs(true), ktesting.Verbosity(test.verbosity)))
		log.Info("x", "list", listForLog(log, list))
		got := log.GetSink().(ktesting.Underlier).GetBuffer().String()
		if !strings.HasSuffix(strings.TrimSpace(got), test.want) {
			t.Errorf("%d ranges with -v=%d: logged %q, want the end %s", test.ranges, test.verbosity, got, test.want)
		}
	}
}

func TestRepairsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, missing, func(n *node) {
			n.v4.report, n.v4.change = netfilter.Report{WroteChain: true, WroteJump: true}, netfilter.Changed
		})
		wait(100 * time.Second)
		_, syncs := n.observer.seen(netfilter.IPv4)
		check(t, "repairs of the chain", len(syncs)-1, n.logged("Repaired the rules"))
		check(t, "repairs of the jump", len(syncs)-1, n.logged("Repaired the jump"))
		check(t, "a fight", 1, n.logged("something else keeps changing the rules"))
		check(t, "its end", 0, n.logged("Repairs are prompt again"))
		n.v4.set(func(r *recorder) { r.change, r.report = netfilter.Unchanged, netfilter.Report{} })
		wait(200 * time.Second)
		check(t, "its end", 1, n.logged("Repairs are prompt again"))
	})
}
