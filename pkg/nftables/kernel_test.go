// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// texts returns the texts of a chain's rules.
func texts(c *netfilter.Chain) []string {
	var out []string
	for _, r := range c.Rules {
		out = append(out, r.Text)
	}
	return out
}

// agentRules is the agent's chain and jump in iptables' encoding.
var agentRules = map[string]string{
	"IPv4": `*nat
:IP-MASQ - [0:0]
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 169.254.0.0/16 -j RETURN
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 10.0.0.0/9 -j RETURN
-A IP-MASQ -m comment --comment "this is a 'quoted' \"text\"" -s 10.64.0.0/10 -d 10.9.1.2/32 -j MASQUERADE --random-fully
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound" -j MASQUERADE --random-fully -p tcp -m statistic --mode random --probability 0.46953 --to-ports 1024-29999
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound" -j MASQUERADE -p sctp --to-ports 80
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully
-A POSTROUTING -m comment --comment "ip-masq-agent: ensure nat POSTROUTING" -m addrtype ! --dst-type LOCAL -j IP-MASQ
COMMIT
`,
	"IPv6": `*nat
:IP-MASQ - [0:0]
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d fe80::/10 -j RETURN
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d fd00::/8 -j RETURN
-A IP-MASQ -m comment --comment plain -s fd00:1::/33 -d 2001:db8::1/128 -j MASQUERADE --random-fully
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound" -j MASQUERADE --random-fully -p udp -m statistic --mode random --probability 0.46953 --to-ports 1024-29999
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully
-A POSTROUTING -m comment --comment "ip-masq-agent: ensure nat POSTROUTING" -m addrtype ! --dst-type LOCAL -j IP-MASQ
COMMIT
`,
}

// familyOf returns the family of a name.
func familyOf(name string) netfilter.Family {
	if name == "IPv6" {
		return netfilter.IPv6
	}
	return netfilter.IPv4
}

// TestTextIsThatOfIPTables reads rules that iptables-nft wrote and compares
// their texts with what iptables-nft prints.
func TestTextIsThatOfIPTables(t *testing.T) {
	for _, family := range []string{"IPv4", "IPv6"} {
		t.Run(family, func(t *testing.T) {
			netns.Run(t, func(t *testing.T) {
				netns.Restore(t, "iptables-nft", family, agentRules[family])
				for _, name := range []string{"IP-MASQ", "POSTROUTING"} {
					chain, err := open(t).Chain(familyOf(family), "nat", name)
					if err != nil {
						t.Fatal(err)
					}
					want := netns.List(t, "iptables-nft", family, name)[1:]
					if diff := cmp.Diff(want, texts(chain)); diff != "" {
						t.Errorf("rules of %s (-want +got):\n%s", name, diff)
					}
					for _, r := range chain.Rules {
						if r.Native || r.Handle == 0 || r.Comment == "" {
							t.Errorf("native %v, handle %d, comment %q of %s", r.Native, r.Handle, r.Comment, r.Text)
						}
					}
				}
			})
		})
	}
}

// TestReloadedRulesMeanTheSame compares the agent's rules as iptables-nft writes
// them with the same rules after "nft list ruleset" and "nft -f".
func TestReloadedRulesMeanTheSame(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		netns.Require(t, "nft")
		const rules = `*nat
:IP-MASQ - [0:0]
-A IP-MASQ -m comment --comment "local" -d 169.254.0.0/16 -j RETURN
-A IP-MASQ -m comment --comment "local" -d 10.0.0.0/9 -j RETURN
-A IP-MASQ -m comment --comment "out" -s 10.64.0.0/10 -d 10.9.1.2/32 -j MASQUERADE --random-fully
-A IP-MASQ -m comment --comment "out" -p tcp -j MASQUERADE --random-fully --to-ports 1024-29999
-A IP-MASQ -m comment --comment "out" -j MASQUERADE --random-fully
-A POSTROUTING -m comment --comment "ensure" -m addrtype ! --dst-type LOCAL -j IP-MASQ
COMMIT
`
		netns.Restore(t, "iptables-nft", "IPv4", rules)
		read := func() [][]netfilter.Step {
			var out [][]netfilter.Step
			for _, name := range []string{"IP-MASQ", "POSTROUTING"} {
				chain, err := open(t).Chain(netfilter.IPv4, "nat", name)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range chain.Rules {
					out = append(out, r.Steps)
				}
			}
			return out
		}
		before := read()
		nft(t, "flush ruleset\n"+netns.NFTRuleset(t))
		after := read()
		if diff := cmp.Diff(before, after, equalMeaning()); diff != "" {
			t.Errorf("rules after a reload (-before +after):\n%s", diff)
		}
		chain, err := open(t).Chain(netfilter.IPv4, "nat", "POSTROUTING")
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"add rule ip nat POSTROUTING fib daddr type != local counter jump IP-MASQ"}
		if diff := cmp.Diff(want, texts(chain)); diff != "" || !chain.Rules[0].Native {
			t.Errorf("jump, native %v (-want +got):\n%s", chain.Rules[0].Native, diff)
		}
	})
}

// equalMeaning leaves out texts, and takes nil and empty lists as equal.
func equalMeaning() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreFields(netfilter.Condition{}, "Text"),
		cmpopts.IgnoreFields(netfilter.VerdictMap{}, "Text"),
		cmpopts.EquateEmpty(),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	}
}

func TestAbsent(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		c := open(t)
		if chain, err := c.Chain(netfilter.IPv4, "nat", "POSTROUTING"); chain != nil || err != nil {
			t.Errorf("no table: %v, %v", chain, err)
		}
		if info, err := c.Table(netfilter.IPv4, "nat"); info != (TableInfo{}) || err != nil {
			t.Errorf("no table: %+v, %v", info, err)
		}
		nft(t, "table ip nat { flags dormant; chain a { }; }")
		if chain, err := c.Chain(netfilter.IPv4, "nat", "POSTROUTING"); chain != nil || err != nil {
			t.Errorf("no chain: %v, %v", chain, err)
		}
		for name, want := range map[string]bool{"a": true, "b": false} {
			if got, err := c.HasChain(netfilter.IPv4, "nat", name); got != want || err != nil {
				t.Errorf("chain %s: %v, %v", name, got, err)
			}
		}
		if info, err := c.Table(netfilter.IPv4, "nat"); info != (TableInfo{Exists: true, Dormant: true}) || err != nil {
			t.Errorf("dormant table: %+v, %v", info, err)
		}
	})
}

func TestHasExtension(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		c := open(t)
		for _, tt := range []struct {
			name     string
			revision uint8
			target   bool
			family   netfilter.Family
			want     bool
		}{
			{"MASQUERADE", 0, true, netfilter.IPv4, true},
			{"MASQUERADE", 0, true, netfilter.IPv6, true},
			{"MASQUERADE", 9, true, netfilter.IPv4, false},
			{"MASQUERADE", 0, false, netfilter.IPv4, false},
			{"comment", 0, false, netfilter.IPv4, true},
			{"addrtype", 1, false, netfilter.IPv6, true},
			{"nosuchmatch", 0, false, netfilter.IPv4, false},
		} {
			got, err := c.HasExtension(tt.name, tt.revision, tt.target, tt.family)
			if got != tt.want || err != nil {
				t.Errorf("%+v: %v, %v", tt, got, err)
			}
		}
		if _, err := c.Generation(); err != nil {
			t.Errorf("the connection is not usable afterwards: %v", err)
		}
	})
}
