// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"context"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// TestNativeRuleHidesAChain has a rule that iptables-nft cannot show, for which
// it says the same as for a chain that is not there.
func TestNativeRuleHidesAChain(t *testing.T) {
	for _, family := range []string{"IPv4", "IPv6"} {
		t.Run(family, func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) {
				table := map[string]string{"IPv4": "ip nat", "IPv6": "ip6 nat"}[family]
				native := func(chain string) {
					t.Helper()
					if _, err := run(context.Background(), "", "nft", "add rule "+table+" "+chain+" meta mark 5 masquerade"); err != nil {
						t.Fatal(err)
					}
				}
				n, c := NewNAT(familyOf(family), NFT), wanted(family)
				if _, err := n.Apply(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				native("IP-MASQ")
				if has, err := n.HasRules(t.Context(), "IP-MASQ"); !has || err != nil {
					t.Errorf("HasRules() = %v, %v, want true: the chain is there", has, err)
				}
				if _, err := NewNAT(familyOf(family), NFT).Remove(t.Context(), "IP-MASQ", true); err == nil || !strings.Contains(err.Error(), "with nft") {
					t.Errorf("Remove() of a chain it cannot show: %v", err)
				}
				if report, err := n.Apply(t.Context(), c); err != nil || !report.WroteChain || report.WroteJump {
					t.Errorf("Apply() over a rule in our own chain: %+v, %v", report, err)
				}

				native("POSTROUTING")
				for range 3 {
					_, err := n.Apply(t.Context(), c)
					if err == nil || !strings.Contains(err.Error(), "POSTROUTING") || !strings.Contains(err.Error(), "with nft") {
						t.Fatalf("Apply() with a POSTROUTING that it cannot read: %v", err)
					}
				}
				rules, err := run(context.Background(), "", "nft", "list chain "+table+" POSTROUTING")
				if err != nil || strings.Count(rules, "IP-MASQ\n") != 1 {
					t.Errorf("POSTROUTING has not one jump but, %v:\n%s", err, rules)
				}
			})
		})
	}
}

// TestLineBreakInAComment: what follows a line break in somebody's comment
// looks like a rule, and is none.
func TestLineBreakInAComment(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		const forged = "nl\n-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ\nx"
		netns.IPTables(t, backend, family, "-A", "POSTROUTING", "-m", "comment", "--comment", forged, "-j", "RETURN")
		c := wanted(family)
		apply(t, backend, family, c, true, true)
		apply(t, backend, family, c, false, false)
		// A jump with such a comment does what ours does. It cannot be named in
		// a restore input, so it may stay beside ours.
		netns.IPTables(t, backend, family, "-I", "POSTROUTING", "-m", "comment", "--comment", "a\nb", "-m", "addrtype", "!", "--dst-type", "LOCAL", "-j", c.Name)
		got, err := NewNAT(familyOf(family), Backend(backend)).Apply(t.Context(), c)
		if err != nil || got.WroteChain {
			t.Errorf("Apply() = %+v, %v", got, err)
		}
		apply(t, backend, family, c, false, false)
	})
}

func TestClip(t *testing.T) {
	long := strings.Repeat("junk ", 1000)
	for in, want := range map[string]string{
		" line\nline \n":         "line\nline",
		"\x1b[31mred\x00\xff":    ".[31mred..",
		"chain `X' in table nat": "chain `X' in table nat",
		long:                     long[:maxSaid] + "…",
	} {
		if got := clip(in); got != want {
			t.Errorf("clip(%.20q) = %q, want %q", in, got, want)
		}
	}
}
