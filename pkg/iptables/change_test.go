// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"testing"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestChange: which changes Change reports. In iptables-legacy an equal size is no
// proof that nothing changed.
func TestChange(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		still := map[string]netfilter.Change{"iptables-nft": netfilter.Unchanged, "iptables-legacy": netfilter.PerhapsUnchanged}[backend]
		n, c := NewNAT(familyOf(family), Backend(backend)), wanted(family)
		checkChange := func(when string, want netfilter.Change) {
			t.Helper()
			got, err := n.Change()
			if err != nil || got != want {
				t.Errorf("%s: Change() = %v, %v, want %v", when, got, err, want)
			}
		}
		apply := func() {
			t.Helper()
			if _, err := n.Apply(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		checkChange("before the first Apply", netfilter.ChangeUnknown)
		apply()
		checkChange("after an own write", still)
		apply()
		checkChange("after a read", still)
		netns.List(t, backend, family, "IP-MASQ")
		checkChange("after a read by another program", still)
		if got := testing.AllocsPerRun(100, func() { checkChange("again", still) }); got > 0 {
			t.Errorf("a call takes %v allocations, want none", got)
		}

		for when, restore := range map[string]string{
			"flush":           "-F IP-MASQ",
			"rule inserted":   "-I IP-MASQ -j RETURN",
			"jump deleted":    "-D POSTROUTING 1",
			"chain of others": ":OTHER - [0:0]\n-A OTHER -j RETURN",
		} {
			netns.Restore(t, backend, family, "*nat\n"+restore+"\nCOMMIT\n")
			checkChange(when, netfilter.Changed)
			checkChange(when+", again", netfilter.Changed)
			apply()
			checkChange(when+", repaired", still)
		}
	})
}

// TestChangeAfterAFailure: after a failed Apply it is unknown what the kernel holds.
func TestChangeAfterAFailure(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		n, c := NewNAT(familyOf(family), Backend(backend)), wanted(family)
		if _, err := n.Apply(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		c.Rules[0].Target = "NO-SUCH-CHAIN"
		if _, err := n.Apply(t.Context(), c); err == nil {
			t.Fatal("a jump to a chain that does not exist was accepted")
		}
		if got, err := n.Change(); got != netfilter.ChangeUnknown || err != nil {
			t.Errorf("Change() = %v, %v, want ChangeUnknown", got, err)
		}
	})
}
