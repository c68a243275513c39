// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/rules"
)

// TestOneFamilyOwned is TestOneFamilyBroken for nftables, which has no commands
// that could fail: another process owns the other family's table, so that the
// kernel refuses every write to it.
func TestOneFamilyOwned(t *testing.T) {
	eachNFTablesNode(t, func(n *node) {
		p := n.startRight(n.oneRange(), n.oneRangeChain(), "--enable-ipv6")
		other := newOther(n)
		want := other.withOneRangeOfTheOther()
		other.wait(want)

		p.SkipLog()
		release := rules.BlockWrites(n.t, n.other())
		for range 3 {
			n.do(n.rules.Flush)
			n.wait(n.oneRangeChain())
		}
		p.WaitLog("Failed to sync", n.other(), "operation not permitted")
		if !rules.WritesBlocked(n.t, n.other()) {
			n.t.Errorf("the agent wrote to a table of another owner:\n%s", other.rules.List(n.t))
		}
		release()
		other.wait(want)
	})
}

// withOneRangeOfTheOther is the chain of the family whose ranges the file of
// oneRange does not name.
func (n *node) withOneRangeOfTheOther() []string {
	return chain(n.pick("169.254.0.0/16", "fe80::/10"))
}

// TestOneFamilyOwnedAtStart: a family that cannot be written from the start is
// like one that fails later.
func TestOneFamilyOwnedAtStart(t *testing.T) {
	eachNFTablesNode(t, func(n *node) {
		release := rules.BlockWrites(n.t, n.other())
		p := n.startRight(n.oneRange(), n.oneRangeChain(), "--enable-ipv6")
		p.WaitLog("Failed to sync", n.other(), "operation not permitted")
		n.do(n.rules.Flush)
		n.wait(n.oneRangeChain())
		release()
		other := newOther(n)
		other.wait(other.withOneRangeOfTheOther())
	})
}

// TestFailingTransactionChangesNothing is TestFailingRestoreChangesNothing for
// nftables.
func TestFailingTransactionChangesNothing(t *testing.T) {
	eachNFTablesNode(t, func(n *node) {
		n.others()
		p := n.startRight(n.oneRange(), n.oneRangeChain())
		release := rules.BlockWrites(n.t, n.family)
		before := n.save()
		p.SkipLog()
		n.config.write(n.t, n.threeRanges())
		p.WaitLog("Configuration read", n.pick("192.0.2.7/32", "2001:db8::7/128"))
		p.WaitLog("Failed to sync", n.family, "operation not permitted")
		if diff := cmp.Diff(before, n.save()); diff != "" {
			n.t.Errorf("a failing transaction changed the rules (-before +after):\n%s", diff)
		}
		if !p.Running() {
			n.t.Fatal("the agent ended")
		}
		release()
		n.wait(n.threeRangesChain())
	})
}
