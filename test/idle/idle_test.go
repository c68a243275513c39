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

// quiet does something during which the agent must run no process, by its
// calls and by the kernel's accounts, and commit nothing.
func (n *node) quiet(during func()) {
	n.t.Helper()
	calls, before, generation := n.called(), n.children(), netns.Generation(n.t)
	during()
	if diff := cmp.Diff(calls, n.called()); diff != "" {
		n.t.Errorf("commands were run (-before +after):\n%s", diff)
	}
	if after := n.children(); after != before {
		n.t.Errorf("children of the agent were at %+v, and are at %+v", before, after)
	}
	if after := netns.Generation(n.t); after != generation {
		n.t.Errorf("nftables went from generation %d to %d", generation, after)
	}
}

// TestNoProcessBelowTheInterval: while nothing changes, ten looks cost no
// process. That the agent does look, and that processes are counted, shows what
// follows.
func TestNoProcessBelowTheInterval(t *testing.T) {
	netns.FullMatrix(t, func(t *testing.T, backend, family string) {
		n := start(t, backend, family, "60s")
		n.quiet(func() { time.Sleep(10 * time.Second) })
		calls, before, generation := len(n.called()), n.children(), netns.Generation(t)
		rules.Damage(t, n.rules, n.rules.Flush)
		n.waitRight()
		if backend == netns.NFTables { // a repair runs no process either
			if after := n.children(); len(n.called()) != 0 || after != before || after.faults != 0 {
				t.Errorf("the agent ran processes: %q, children at %+v", n.called(), after)
			}
			if commits := netns.Generation(t) - generation; commits != 2 {
				t.Errorf("%d commits, want the damage and one repair", commits)
			}
			return
		}
		if after := n.children(); len(n.called()) == calls || after.faults == before.faults {
			t.Errorf("a repair was not counted: %d calls, children at %+v", len(n.called()), after)
		}
	})
}

// TestNoProcessOnTheInterval: ticks of the interval cost no process. In nft an
// unchanged generation proves the rules, in legacy they are read from the kernel.
func TestNoProcessOnTheInterval(t *testing.T) {
	netns.FullMatrix(t, func(t *testing.T, backend, family string) {
		n := start(t, backend, family, "1s")
		n.quiet(func() { n.waitTicks(5) })
	})
}

// waitTicks waits until the agent has found the node right that many times more.
func (n *node) waitTicks(more float64) {
	n.t.Helper()
	before := n.syncs()
	program.Eventually(n.t, func() string {
		if n.syncs() < before+more {
			return "the interval is not kept"
		}
		return ""
	})
}

// TestNoProcessForAFamilyThatIsOff: with --enable-ipv6=auto the agent asks on each
// tick of the interval whether the node forwards IPv6, and runs no process for it.
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
