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

// commands lists the commands of one family.
func (n *node) commands(family string) (names []string) {
	for _, verb := range [][]string{nil, {"save"}, {"restore"}} {
		names = append(names, netns.Command(n.backend, family, verb...))
	}
	return names
}

// The commands of one family fail. See TestOneFamilyOwned for nftables.
func TestOneFamilyBroken(t *testing.T) {
	ways := map[string]func(t testing.TB, s *shims, name string) (mend func()){
		"fails": func(t testing.TB, s *shims, name string) func() {
			return s.before(t, name, "echo 'the kernel says no' >&2; exit 4")
		},
		"missing": func(t testing.TB, s *shims, name string) func() { return s.hide(t, name) },
	}
	for way, breakCommand := range ways {
		t.Run(way, func(t *testing.T) {
			eachIPTablesNode(t, func(n *node) {
				iptables := n.shim()
				p := n.startRight(n.oneRange(), n.oneRangeChain(), "--enable-ipv6")
				other := newOther(n)
				program.Eventually(n.t, other.incomplete)
				want := other.chain()

				p.SkipLog()
				var mend []func()
				for _, name := range n.commands(n.other()) {
					mend = append(mend, breakCommand(n.t, iptables, name))
				}
				other.iptables("-F", "IP-MASQ")
				for range 3 {
					n.iptables("-F", "IP-MASQ")
					n.wait(n.oneRangeChain())
				}
				p.WaitLog(netns.Command(n.backend, n.other()))
				if got := other.chain(); len(got) != 1 {
					n.t.Errorf("without a working command the agent wrote %q", got)
				}
				for _, again := range mend {
					again()
				}
				other.wait(want)
			})
		})
	}
}

// incomplete is empty if the chain ends as a complete one does.
func (n *node) incomplete() string {
	if got := n.chain(); len(got) < 2 || got[len(got)-1] != last {
		return n.family + " has no complete chain: " + strings.Join(got, "\n")
	}
	return ""
}

// A family that is broken from the start is like one that breaks later.
func TestOneFamilyBrokenAtStart(t *testing.T) {
	eachIPTablesNode(t, func(n *node) {
		iptables := n.shim()
		mend := iptables.before(n.t, netns.Command(n.backend, n.other(), "restore"), "echo 'the kernel says no' >&2; exit 4")
		p := n.startRight(n.oneRange(), n.oneRangeChain(), "--enable-ipv6")
		p.WaitLog(n.other(), "the kernel says no")
		n.iptables("-F", "IP-MASQ")
		n.wait(n.oneRangeChain())
		mend()
		program.Eventually(n.t, newOther(n).incomplete)
	})
}

// Every child has a deadline, so the agent outlives it, and a stop does not
// wait for it. On nftables the agent has no children.
func TestHungChild(t *testing.T) {
	eachIPTablesNode(t, func(n *node) {
		iptables := n.shim()
		p := n.startRight(n.oneRange(), n.oneRangeChain(), "--enable-ipv6")
		other := newOther(n)
		program.Eventually(n.t, other.incomplete)
		want := other.chain()

		// The shell's child keeps its output open when the shell is killed.
		p.SkipLog()
		var mend []func()
		for _, name := range n.commands(n.other()) {
			mend = append(mend, iptables.before(n.t, name, "sleep 45"))
		}
		other.iptables("-F", "IP-MASQ")
		for range 3 { // meanwhile, the other family
			n.iptables("-F", "IP-MASQ")
			n.wait(n.oneRangeChain())
		}
		p.WaitLog(n.other()) // the deadline passed
		for _, again := range mend {
			again()
		}
		other.wait(want)

		for _, name := range n.commands(n.family) {
			iptables.before(n.t, name, "exec sleep 45")
		}
		calls := len(iptables.calls(n.t))
		n.iptables("-F", "IP-MASQ")
		program.Eventually(n.t, func() string {
			if len(iptables.calls(n.t)) == calls {
				return "the agent does not look"
			}
			return ""
		})
		// A child hangs now. The contract is two seconds.
		if took := p.Stop(terminate); took > 2*time.Second {
			n.t.Errorf("the agent took %v to stop while a child hung", took)
		}
	})
}

// See TestFailingTransactionChangesNothing for nftables.
func TestFailingRestoreChangesNothing(t *testing.T) {
	eachIPTablesNode(t, func(n *node) {
		iptables := n.shim()
		restore := netns.Command(n.backend, n.family, "restore")
		n.others()
		p := n.startRight(n.oneRange(), n.oneRangeChain())
		mend := iptables.before(n.t, restore, "echo 'line 3 failed, says the kernel' >&2; exit 1")
		before := netns.Save(n.t, n.backend, n.family)
		p.SkipLog()
		n.config.write(n.t, n.threeRanges())
		p.WaitLog("line 3 failed, says the kernel", restore)
		tried := iptables.writes(n.t)
		program.Eventually(n.t, func() string {
			if iptables.writes(n.t) < tried+3 {
				return "the agent does not try again"
			}
			return ""
		})
		if diff := cmp.Diff(before, netns.Save(n.t, n.backend, n.family)); diff != "" {
			n.t.Errorf("a failing restore changed the table (-before +after):\n%s", diff)
		}
		if !p.Running() {
			n.t.Fatal("the agent ended")
		}
		mend()
		n.wait(n.threeRangesChain())
	})
}
