// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"errors"
	"strings"
	"testing"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestNativeRules has rules that iptables-nft cannot list, in our own chain and
// in POSTROUTING.
func TestNativeRules(t *testing.T) {
	for _, family := range []string{"IPv4", "IPv6"} {
		t.Run(family, func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) {
				table := map[string]string{"IPv4": "ip nat", "IPv6": "ip6 nat"}[family]
				native := func(chain string) {
					t.Helper()
					if _, err := netns.Output("nft", "add rule "+table+" "+chain+" meta mark 5 masquerade"); err != nil {
						t.Fatal(err)
					}
				}
				n, c := NewNAT(familyOf(family), NFT), wanted(family)
				want := func(when string, chain, jump bool) {
					t.Helper()
					report, err := n.Apply(t.Context(), c)
					if err != nil || report.WroteChain != chain || report.WroteJump != jump {
						t.Errorf("%s: Apply() = %+v, %v, want chain %v, jump %v", when, report, err, chain, jump)
					}
				}
				want("at first", true, true)
				native("IP-MASQ")
				if has, err := n.HasRules(t.Context(), "IP-MASQ"); !has || err != nil {
					t.Errorf("HasRules() = %v, %v, want true: the chain is there", has, err)
				}
				want("a native rule in our chain", true, false)
				native("POSTROUTING")
				want("a native rule in POSTROUTING", false, false)

				native("IP-MASQ")
				if _, err := NewNAT(familyOf(family), NFT).Remove(t.Context(), "IP-MASQ", false); err != nil {
					t.Errorf("Remove(): %v", err)
				}
				rules, err := netns.Output("nft", "list table "+table)
				if err != nil || strings.Contains(rules, "IP-MASQ") || !strings.Contains(rules, "0x00000005 masquerade") {
					t.Errorf("after the removal, %v:\n%s", err, rules)
				}
			})
		})
	}
}

// TestDormantTable has a table whose rules the kernel holds and does not apply.
func TestDormantTable(t *testing.T) {
	netns.Require(t, "nft", "iptables-nft")
	netns.Run(t, func(t *testing.T) {
		n, c := NewNAT(netfilter.IPv4, NFT), wanted("IPv4")
		if _, err := netns.Output("nft", "add table ip nat { flags dormant; }"); err != nil {
			t.Fatal(err)
		}
		_, err := n.Apply(t.Context(), c)
		if !errors.Is(err, ErrDormant) {
			t.Fatalf("Apply() in a dormant table: %v", err)
		}
		_, remedy, _ := strings.Cut(err.Error(), "run: nft ")
		if _, err := netns.Output("nft", remedy); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Apply(t.Context(), c); err != nil {
			t.Errorf("Apply() after %q: %v", remedy, err)
		}
	})
}

// TestLineBreakInAComment: the text after a line break in a comment of another
// program has the form of a rule, but is not a rule.
func TestLineBreakInAComment(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		const forged = "nl\n-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ\nx"
		netns.IPTables(t, backend, family, "-A", "POSTROUTING", "-m", "comment", "--comment", forged, "-j", "RETURN")
		c := wanted(family)
		apply(t, backend, family, c, true, true)
		apply(t, backend, family, c, false, false)
		// A jump with such a comment has the effect of the agent's jump. A line of
		// restore input cannot name it, so it may stay beside the agent's.
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
		long:                     long[:maxStderr] + "…",
	} {
		if got := clip(in); got != want {
			t.Errorf("clip(%.20q) = %q, want %q", in, got, want)
		}
	}
}

// TestChainWithoutHook has the rules of the agent in a chain POSTROUTING that is
// not at the hook, as after a saved rule set was loaded without that line.
func TestChainWithoutHook(t *testing.T) {
	netns.Require(t, "nft", "iptables-nft")
	for _, hook := range []string{"", "{ type nat hook output priority -100; }", "{ type filter hook postrouting priority 100; }"} {
		t.Run(hook, func(t *testing.T) {
			netns.Run(t, func(t *testing.T) {
				n, c := NewNAT(netfilter.IPv4, NFT), wanted("IPv4")
				for _, command := range []string{
					"add table ip nat", "add chain ip nat IP-MASQ", "add chain ip nat POSTROUTING " + hook,
					"add rule ip nat POSTROUTING fib daddr type != local counter jump IP-MASQ",
				} {
					if _, err := netns.Output("nft", command); err != nil {
						t.Fatal(err)
					}
				}
				_, err := n.Apply(t.Context(), c)
				if !errors.Is(err, ErrNoHook) {
					t.Fatalf("Apply(): %v", err)
				}
				_, remedy, _ := strings.Cut(err.Error(), "run: nft ")
				if _, err := netns.Output("nft", strings.Trim(remedy, "'")); err != nil {
					t.Fatal(err)
				}
				if _, err := n.Apply(t.Context(), c); err != nil {
					t.Errorf("Apply() after %q: %v", remedy, err)
				}
			})
		})
	}
}
