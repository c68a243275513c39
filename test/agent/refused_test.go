// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const refused = `nonMasqueradeCIDRs:
  - 10.0.0.0/8
  - 10.0.0.300/8
resyscInterval: 60s
`

// The last good configuration stays in force and goes on being healed.
func TestRefusedFileChangesNothing(t *testing.T) {
	eachNode(t, func(n *node) {
		p := n.startRight(n.threeRanges(), n.threeRangesChain())
		n.config.write(n.t, refused)
		p.WaitLog(n.config.path(), "10.0.0.300/8")    // all problems, with
		p.WaitLog("resyscInterval", "resyncInterval") // what to write instead
		said := p.Log.Count("10.0.0.300/8")

		// Each healing is a tick in which the refused file was there.
		for range 5 {
			n.do(n.rules.Flush)
			n.wait(n.threeRangesChain())
		}
		n.do(n.rules.Remove)
		n.wait(n.threeRangesChain())
		if got := p.Log.Count("10.0.0.300/8"); got != said {
			n.t.Errorf("the error was logged %d times, then %d times", said, got)
		}

		n.config.write(n.t, "nonMasqueradeCIDRs: [10.0.0.1]\n") // another mistake
		p.WaitLog("10.0.0.1/32")
		n.check("a refused file changed the rules", n.threeRangesChain())
		n.config.write(n.t, n.oneRange()) // the fix
		n.wait(n.oneRangeChain())
	})
}

// A restarted agent knows no last good configuration. The kernel does: its
// rules stay as they are, and nothing else is done to them.
func TestRefusedAtStartLeavesTheRulesAlone(t *testing.T) {
	eachNode(t, func(n *node) {
		n.do(n.rules.Old)
		before := n.rules.Identity(n.t)
		n.config.write(n.t, refused)
		p := n.start()
		p.WaitLog("10.0.0.300/8")
		// A refused file that changes is read, and so is the kernel again.
		n.config.write(n.t, "resyncInterval: 1ms\n")
		p.WaitLog("resyncInterval", "1ms", "100ms")
		if diff := cmp.Diff(before, n.rules.Identity(n.t)); diff != "" {
			n.t.Errorf("a refused file changed the rules (-before +after):\n%s", diff)
		}

		n.config.write(n.t, n.oneRange())
		n.wait(n.oneRangeChain())
	})
}

// A new node must not lose all egress.
func TestRefusedAtStartOfANewNode(t *testing.T) {
	eachNode(t, func(n *node) {
		n.config.write(n.t, refused)
		p := n.start()
		p.WaitLog("10.0.0.300/8")
		n.wait(n.defaultChain())
		n.config.write(n.t, n.oneRange())
		n.wait(n.oneRangeChain())
	})
}

// A chain or a table without rules masquerades nothing: like none.
func TestRefusedAtStartWithoutRules(t *testing.T) {
	eachNode(t, func(n *node) {
		n.do(n.rules.Hollow)
		n.config.write(n.t, refused)
		n.start()
		n.wait(n.defaultChain())
	})
}

// One mistake may hide none of the others.
func TestRefusals(t *testing.T) {
	tests := []struct {
		name   string
		config string
		says   []string // in one line
	}{
		{"no mapping", "- 10.0.0.0/8\n", []string{"mapping"}},
		{"no text that parses", "nonMasqueradeCIDRs: [10.0.0.0/8\n", []string{"ip-masq-agent"}},
		{"unknown key", "nonMasqueradeCIDR: [10.0.0.0/8]\n", []string{"nonMasqueradeCIDR", "nonMasqueradeCIDRs"}},
		{"a key twice", "masqLinkLocal: true\nmasqLinkLocal: false\n", []string{"masqLinkLocal"}},
		{"wrong type", "masqLinkLocal: maybe\n", []string{"masqLinkLocal", "maybe"}},
		{"null item", "nonMasqueradeCIDRs: [null]\n", []string{"nonMasqueradeCIDRs"}},
		{"bare IPv6 address", "nonMasqueradeCIDRs: ['fd00::1']\n", []string{"fd00::1/128"}},
		{"mapped prefix", "nonMasqueradeCIDRs: ['::ffff:10.0.0.0/104']\n", []string{"::ffff:10.0.0.0/104"}},
		{"over the limit", "cidrLimit: 1\nnonMasqueradeCIDRs: [10.0.0.0/8, 172.16.0.0/12]\n", []string{"cidrLimit"}},
		{"negative limit", "cidrLimit: -1\n", []string{"cidrLimit", "-1"}},
		{"too often", "resyncInterval: 99ms\n", []string{"resyncInterval", "99ms", "100ms"}},
		{"over 1 MiB", "# " + strings.Repeat("x", 1<<20) + "\n", []string{"1 MiB"}},
		{"both lists", "nonMasqueradeCIDRs: [10.0.0.0/8]\nmasqueradeCIDRs: [10.1.1.1/8]\n", []string{"10.0.0.0/8"}},
	}
	eachNode(t, func(n *node) {
		p := n.startRight(n.threeRanges(), n.threeRangesChain())
		for _, tt := range tests {
			p.Mark()
			n.config.write(n.t, tt.config)
			p.WaitLog(tt.says...)
			n.check(tt.name+": a refused file changed the rules", n.threeRangesChain())
		}
	})
}
