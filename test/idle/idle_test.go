// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package idle_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
	"ip-masq-agent/test/rules"
)

// quiet calls during, and checks that the agent starts no process and commits
// nothing meanwhile. It counts calls of commands and the kernel's accounting of
// child processes.
func (n *node) quiet(during func()) {
	n.t.Helper()
	calls, before, generation := n.called(), n.children(), netns.Generation(n.t)
	during()
	if diff := cmp.Diff(calls, n.called()); diff != "" {
		n.t.Errorf("commands ran (-before +after):\n%s", diff)
	}
	if after := n.children(); after != before {
		n.t.Errorf("usage of child processes was %+v, and is %+v", before, after)
	}
	if after := netns.Generation(n.t); after != generation {
		n.t.Errorf("the generation of nftables went from %d to %d", generation, after)
	}
}

// TestNoProcessBelowTheInterval checks that the agent starts no process for ten
// change checks. The repair at the end shows that the agent checks for changes
// and that the test counts processes.
func TestNoProcessBelowTheInterval(t *testing.T) {
	netns.FullMatrix(t, func(t *testing.T, backend, family string) {
		n := start(t, backend, family, "60s")
		n.quiet(func() { time.Sleep(10 * time.Second) })
		calls, before, generation := len(n.called()), n.children(), netns.Generation(t)
		rules.Damage(t, n.rules, n.rules.Flush)
		n.waitRight()
		if backend == netns.NFTables { // a repair starts no process either
			if after := n.children(); len(n.called()) != 0 || after != before || after.faults != 0 {
				t.Errorf("the agent started processes: %q, usage of child processes %+v", n.called(), after)
			}
			if commits := netns.Generation(t) - generation; commits != 2 {
				t.Errorf("%d commits, want 2: the damage and one repair", commits)
			}
			return
		}
		if after := n.children(); len(n.called()) == calls || after.faults == before.faults {
			t.Errorf("the test did not count the repair: %d calls, usage of child processes %+v", len(n.called()), after)
		}
	})
}

// TestNoProcessOnTheInterval checks that a resync starts no process. With nft
// an unchanged generation shows that the rules are unchanged. With legacy the
// agent reads them from the kernel.
func TestNoProcessOnTheInterval(t *testing.T) {
	netns.FullMatrix(t, func(t *testing.T, backend, family string) {
		n := start(t, backend, family, "1s")
		n.quiet(func() { n.waitTicks(5) })
	})
}

// waitTicks waits until the agent has verified its rules that many times more.
func (n *node) waitTicks(more float64) {
	n.t.Helper()
	before := n.syncs()
	program.Eventually(n.t, func() string {
		if n.syncs() < before+more {
			return "the agent has not resynced often enough"
		}
		return ""
	})
}

// TestNoProcessForAFamilyThatIsOff checks that with --enable-ipv6=auto the
// agent starts no process to find out each second, and at each resync, whether
// the node forwards IPv6.
func TestNoProcessForAFamilyThatIsOff(t *testing.T) {
	netns.Require(t, append(netns.Tools(netns.NFTables, "IPv4"), netns.Tools("iptables-nft", "IPv6")...)...)
	netns.Run(t, func(t *testing.T) {
		netns.Here(t).Sysctl(t, "net/ipv6/conf/all/forwarding", "0")
		n := newNode(t, "iptables-nft", "IPv4")
		n.run(append(n.arguments("1s"), "--enable-ipv6=auto")...)
		n.agent.WaitLog("Leaving the family off", `family="IPv6"`)
		n.quiet(func() { n.waitTicks(4) })
	})
}
