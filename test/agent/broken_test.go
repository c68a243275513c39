// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// commands returns the iptables commands of one family.
func (n *node) commands(family string) (names []string) {
	for _, suffix := range [][]string{nil, {"save"}, {"restore"}} {
		names = append(names, netns.Command(n.backend, family, suffix...))
	}
	return names
}

// TestOneFamilyBroken makes the commands of one family fail. TestOneFamilyBlocked
// does the same for nftables.
func TestOneFamilyBroken(t *testing.T) {
	ways := map[string]func(t testing.TB, s *shims, name string) (repair func()){
		"fails": func(t testing.TB, s *shims, name string) func() {
			return s.before(t, name, "echo 'the kernel says no' >&2; exit 4")
		},
		"missing": func(t testing.TB, s *shims, name string) func() { return s.hide(t, name) },
	}
	for way, breakCommand := range ways {
		t.Run(way, func(t *testing.T) {
			eachIPTablesNode(t, func(n *node) {
				iptables := n.shim()
				names := n.commands(n.otherFamily())
				if way == "missing" { // the agent looks for another command
					n.env = append(n.env, "PATH="+iptables.dir)
					names = append(names, netns.Command("iptables", n.otherFamily()))
				}
				p, other, want := n.startBothFamilies()

				p.SkipLog()
				var repair []func()
				for _, name := range names {
					repair = append(repair, breakCommand(n.t, iptables, name))
				}
				other.iptables("-F", "IP-MASQ")
				for range 3 {
					n.iptables("-F", "IP-MASQ")
					n.wait(n.oneRangeChain())
				}
				p.WaitLog(netns.Command(n.backend, n.otherFamily()))
				if got := other.chain(); len(got) != 1 {
					n.t.Errorf("without a working command the agent wrote %q", got)
				}
				for _, again := range repair {
					again()
				}
				other.wait(want)
			})
		})
	}
}

// startBothFamilies starts the agent for both families. It returns the node of
// the other family, and that family's chain.
func (n *node) startBothFamilies() (p *program.Process, other *node, chain []string) {
	n.t.Helper()
	p = n.startRight(n.oneRange(), n.oneRangeChain(), "--enable-ipv6")
	other = otherFamilyNode(n)
	program.Eventually(n.t, other.incomplete)
	return p, other, other.chain()
}

// incomplete returns "" if the chain ends with the rule that ends a complete
// chain.
func (n *node) incomplete() string {
	if got := n.chain(); len(got) < 2 || got[len(got)-1] != last {
		return n.family + " has no complete chain: " + strings.Join(got, "\n")
	}
	return ""
}

// TestOneFamilyBrokenAtStart is TestOneFamilyBroken with commands that fail
// from the start.
func TestOneFamilyBrokenAtStart(t *testing.T) {
	eachIPTablesNode(t, func(n *node) {
		iptables := n.shim()
		repair := iptables.before(n.t, netns.Command(n.backend, n.otherFamily(), "restore"), "echo 'the kernel says no' >&2; exit 4")
		p := n.startRight(n.oneRange(), n.oneRangeChain(), "--enable-ipv6")
		p.WaitLog(n.otherFamily(), "the kernel says no")
		n.iptables("-F", "IP-MASQ")
		n.wait(n.oneRangeChain())
		repair()
		program.Eventually(n.t, otherFamilyNode(n).incomplete)
	})
}

// TestHungSubprocess checks that the agent survives child processes that hang,
// because each has a deadline, and that it does not wait for them when it
// stops. With nftables the agent starts no processes.
func TestHungSubprocess(t *testing.T) {
	eachIPTablesNode(t, func(n *node) {
		iptables := n.shim()
		p, other, want := n.startBothFamilies()

		// sleep keeps the shell's output open after the agent has killed the
		// shell.
		p.SkipLog()
		var repair []func()
		for _, name := range n.commands(n.otherFamily()) {
			repair = append(repair, iptables.before(n.t, name, "sleep 45"))
		}
		other.iptables("-F", "IP-MASQ")
		for range 3 { // meanwhile the other family is repaired
			n.iptables("-F", "IP-MASQ")
			n.wait(n.oneRangeChain())
		}
		p.WaitLog(n.otherFamily()) // the deadline has passed
		for _, again := range repair {
			again()
		}
		other.wait(want)

		for _, name := range n.commands(n.family) {
			iptables.before(n.t, name, "exec sleep 45")
		}
		hangs := func(cause func()) {
			n.t.Helper()
			calls := len(iptables.calls(n.t))
			cause()
			program.Eventually(n.t, func() string {
				if len(iptables.calls(n.t)) == calls {
					return "the agent does not check the rules"
				}
				return ""
			})
		}
		hangs(func() { n.iptables("-F", "IP-MASQ") })
		// A child process hangs now, and the agent must stop nevertheless.
		n.stopsInTime(func() time.Duration { return p.Stop(terminate) }, func() time.Duration {
			hangs(func() { p = n.start() })
			return p.Stop(terminate)
		})
	})
}

// TestFailingRestoreChangesNothing makes iptables-restore fail.
// TestFailingTransactionChangesNothing does the same for nftables.
func TestFailingRestoreChangesNothing(t *testing.T) {
	eachIPTablesNode(t, func(n *node) {
		iptables := n.shim()
		restore := netns.Command(n.backend, n.family, "restore")
		n.others()
		p := n.startRight(n.oneRange(), n.oneRangeChain())
		repair := iptables.before(n.t, restore, "echo 'line 3 failed, says the kernel' >&2; exit 1")
		before := netns.Save(n.t, n.backend, n.family)
		p.SkipLog()
		n.config.write(n.t, n.threeRanges())
		p.WaitLog("line 3 failed, says the kernel", restore)
		tried := iptables.writes(n.t)
		program.Eventually(n.t, func() string {
			if iptables.writes(n.t) < tried+3 {
				return "the agent does not retry"
			}
			return ""
		})
		if diff := cmp.Diff(before, netns.Save(n.t, n.backend, n.family)); diff != "" {
			n.t.Errorf("a failing restore changed the table (-before +after):\n%s", diff)
		}
		if !p.Running() {
			n.t.Fatal("the agent ended")
		}
		repair()
		n.wait(n.threeRangesChain())
	})
}
