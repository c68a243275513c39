// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
)

// TestApplyingTwiceIsApplyingOnce is invariant 6.
func TestApplyingTwiceIsApplyingOnce(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		netns.Restore(t, backend, family, others)
		c := wanted(family)
		apply(t, backend, family, c, true, true)
		first := netns.Save(t, backend, family)
		apply(t, backend, family, c, false, false)
		if diff := cmp.Diff(first, netns.Save(t, backend, family)); diff != "" {
			t.Errorf("the second Apply changed the table (-first +second):\n%s", diff)
		}
		if lines := netns.List(t, backend, family, c.Name); len(lines) != 1+len(c.Rules) {
			t.Errorf("the chain has %d rules, want %d:\n%s", len(lines)-1, len(c.Rules), strings.Join(lines, "\n"))
		}
		c.Rules = c.Rules[2:] // shrink
		apply(t, backend, family, c, true, false)
		c.Rules = append(slices.Clone(c.Rules[:1]), c.Rules...) // grow
		apply(t, backend, family, c, true, false)
		apply(t, backend, family, c, false, false)
	})
}

// TestOwnsOneChainAndOneRule is invariant 1, with every kind of drift.
func TestOwnsOneChainAndOneRule(t *testing.T) {
	const jump = `-A POSTROUTING -m comment --comment "ensure: the jump" -m addrtype ! --dst-type LOCAL -j IP-MASQ`
	drifts := []struct {
		name        string
		restore     string // what another program does
		chain, jump bool   // what Apply has to write
		moved       bool   // the jump is at another position than before
	}{
		{name: "nothing"},
		{name: "flushed", restore: "-F IP-MASQ", chain: true},
		{name: "rule appended", restore: "-A IP-MASQ -j RETURN", chain: true},
		{name: "rule inserted", restore: "-I IP-MASQ -s 10.0.0.0/8 -j ACCEPT", chain: true},
		{name: "rule deleted", restore: "-D IP-MASQ 1", chain: true},
		{name: "rule replaced", restore: "-R IP-MASQ 1 -j RETURN", chain: true},
		{name: "jump deleted", restore: "-D" + jump[2:], jump: true, moved: true},
		{name: "chain and jump deleted", restore: "-D" + jump[2:] + "\n-F IP-MASQ\n-X IP-MASQ", chain: true, jump: true, moved: true},
		{name: "jump deleted, chain flushed", restore: "-D" + jump[2:] + "\n-F IP-MASQ", chain: true, jump: true, moved: true},
		{name: "jump doubled", restore: jump, jump: true},
		{name: "jump with another comment besides", restore: "-A POSTROUTING -m comment --comment \"\\\"with quotes\\\"\" -m addrtype ! --dst-type LOCAL -j IP-MASQ", jump: true},
		{name: "all of it", restore: jump + "\n-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ\n" + jump + "\n-F IP-MASQ", chain: true, jump: true},
	}
	for _, d := range drifts {
		t.Run(d.name, func(t *testing.T) {
			netns.Matrix(t, func(t *testing.T, backend, family string) {
				c := wanted(family)
				netns.Restore(t, backend, family, others)
				apply(t, backend, family, c, true, true)
				netns.Restore(t, backend, family, "*nat\n-A POSTROUTING -m comment --comment after -j RETURN\nCOMMIT\n")
				before := netns.Save(t, backend, family)
				restore := d.restore
				if family == "IPv6" {
					restore = strings.ReplaceAll(restore, "10.0.0.0/8", "fd00::/8")
				}
				netns.Restore(t, backend, family, "*nat\n"+restore+"\nCOMMIT\n")
				apply(t, backend, family, c, d.chain, d.jump)
				after := netns.Save(t, backend, family)
				if d.moved { // to the end, which is where a new jump goes
					before, after = sorted(before), sorted(after)
				}
				if diff := cmp.Diff(before, after); diff != "" {
					t.Errorf("table before the drift and after the repair (-before +after):\n%s", diff)
				}
				apply(t, backend, family, c, false, false)
			})
		})
	}
}

// TestFailingRestoreChangesNothing gives the kernel a chain that it rejects.
func TestFailingRestoreChangesNothing(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		netns.Restore(t, backend, family, others)
		good := wanted(family)
		apply(t, backend, family, good, true, true)
		before := netns.Save(t, backend, family)

		bad := wanted(family)
		bad.Rules[3].Target = "NO-SUCH-CHAIN"
		_, err := NewNAT(familyOf(family), Backend(backend)).Apply(t.Context(), bad)
		if err == nil {
			t.Fatal("a jump to a chain that does not exist was accepted")
		}
		for _, part := range []string{"restoring " + family + " rules", netns.Command(backend, family, "restore"), "line"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not say %q: %v", part, err)
			}
		}
		if diff := cmp.Diff(before, netns.Save(t, backend, family)); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
	})
}

func TestHasRules(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		n := NewNAT(familyOf(family), Backend(backend))
		for _, step := range []struct {
			restore string
			want    bool
		}{
			{":OTHER - [0:0]", false},
			{":IP-MASQ - [0:0]", false},
			{"-A IP-MASQ -m mark --mark 1 -j RETURN", true},
		} {
			netns.Restore(t, backend, family, "*nat\n"+step.restore+"\nCOMMIT\n")
			got, err := n.HasRules(t.Context(), "IP-MASQ")
			if err != nil || got != step.want {
				t.Errorf("after %q: HasRules = %v, %v, want %v", step.restore, got, err, step.want)
			}
		}
	})
}
