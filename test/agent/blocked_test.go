// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/program"
	"ip-masq-agent/test/rules"
)

// TestOneFamilyBlocked is TestOneFamilyBroken for nftables, where no command can
// fail. Another process owns the table of the other family, so the kernel
// rejects every write to it.
func TestOneFamilyBlocked(t *testing.T) {
	eachNFTablesNode(t, func(n *node) {
		p := n.startRight(n.oneRange(), n.oneRangeChain(), "--enable-ipv6")
		other := otherFamilyNode(n)
		want := other.chainWithoutRanges()
		other.wait(want)

		p.SkipLog()
		release := rules.BlockWrites(n.t, n.otherFamily())
		for range 3 {
			n.damage(n.rules.Flush)
			n.wait(n.oneRangeChain())
		}
		p.WaitLog("Failed to sync", n.otherFamily(), "operation not permitted")
		if !rules.WritesBlocked(n.t, n.otherFamily()) {
			n.t.Errorf("the agent wrote to a table of another owner:\n%s", other.rules.List(n.t))
		}
		release()
		other.wait(want)
	})
}

// chainWithoutRanges returns the chain of the family of which the file of
// oneRange has no CIDR.
func (n *node) chainWithoutRanges() []string {
	return chain(n.byFamily("169.254.0.0/16", "fe80::/10"))
}

// TestOneFamilyBlockedAtStart is TestOneFamilyBlocked with a table that cannot be
// written from the start.
func TestOneFamilyBlockedAtStart(t *testing.T) {
	eachNFTablesNode(t, func(n *node) {
		release := rules.BlockWrites(n.t, n.otherFamily())
		p := n.startRight(n.oneRange(), n.oneRangeChain(), "--enable-ipv6")
		p.WaitLog("Failed to sync", n.otherFamily(), "operation not permitted")
		n.damage(n.rules.Flush)
		n.wait(n.oneRangeChain())
		release()
		other := otherFamilyNode(n)
		other.wait(other.chainWithoutRanges())
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
		p.WaitLog("Failed to sync", n.family, "operation not permitted")
		n.config.write(n.t, n.threeRanges())
		p.WaitLog("Configuration read", n.byFamily("192.0.2.7/32", "2001:db8::7/128"))
		n.waitFailure()
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

// waitFailure waits until another sync of the node's family fails. The agent logs a
// failure that repeats only once.
func (n *node) waitFailure() {
	n.t.Helper()
	failed := func() string {
		_, body, err := get("/metrics")
		if err != nil {
			n.t.Fatal(err)
		}
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, fmt.Sprintf("ip_masq_agent_syncs_total{family=%q,result=\"error\"}", n.family)) {
				return line
			}
		}
		n.t.Fatalf("no count of failures in\n%s", body)
		return ""
	}
	before := failed()
	program.Eventually(n.t, func() string {
		if now := failed(); now == before {
			return "no further failure: " + now
		}
		return ""
	})
}
