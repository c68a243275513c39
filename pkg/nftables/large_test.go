// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestLargeSet reads 10,000 intervals of a verdict map and 10,000 addresses.
func TestLargeSet(t *testing.T) {
	const n = 10_000
	netns.Run(t, func(t *testing.T) {
		var intervals, addresses []string
		for i := range n {
			intervals = append(intervals, fmt.Sprintf("10.%d.%d.0-10.%d.%d.99 : accept", i/250, i%250, i/250, i%250))
			addresses = append(addresses, fmt.Sprintf("2001:db8::%x:%x", i/250, i%250))
		}
		nft(t, "table inet t {\n"+
			"map m { type ipv4_addr : verdict; flags interval; elements = { "+strings.Join(intervals, ", ")+" }; }\n"+
			"set s { type ipv6_addr; elements = { "+strings.Join(addresses, ", ")+" }; }\n"+
			"chain p { type nat hook postrouting priority 100; ip daddr vmap @m; ip6 daddr @s accept; masquerade; }; }")
		rs, err := open(t).Postrouting()
		if err != nil {
			t.Fatal(err)
		}
		rules := rs.Tables[0].Chains["p"].Rules
		if got := len(rules[0].Steps[1].(netfilter.VerdictMap).Elements); got != n {
			t.Errorf("%d elements of the map, want %d", got, n)
		}
		if got := len(rules[1].Steps[1].(netfilter.Condition).Elements); got != n {
			t.Errorf("%d elements of the set, want %d", got, n)
		}
		for address, want := range map[string]netfilter.Fate{
			"10.0.0.0": netfilter.Kept, "10.39.249.99": netfilter.Kept, "10.39.249.100": netfilter.Masqueraded, "9.255.255.255": netfilter.Masqueraded,
			"2001:db8::": netfilter.Kept, "2001:db8::27:f9": netfilter.Kept, "2001:db8::27:fa": netfilter.Masqueraded,
		} {
			if got := rs.Walk(netfilter.Packet{Destination: netip.MustParseAddr(address)}).Fate(); got != want {
				t.Errorf("%s: %s, want %s", address, got, want)
			}
		}
	})
}

// TestLongChain reads 60,000 rules, and a short chain beside them.
func TestLongChain(t *testing.T) {
	const n = 60_000
	netns.Run(t, func(t *testing.T) {
		var b strings.Builder
		b.WriteString("*nat\n:LONG - [0:0]\n-A POSTROUTING -j LONG\n")
		for i := range n {
			fmt.Fprintf(&b, "-A LONG -d 10.%d.%d.%d/32 -m comment --comment \"rule %d\" -j RETURN\n", i>>16, i>>8&255, i&255, i)
		}
		netns.Restore(t, "iptables-nft", "IPv4", b.String()+"COMMIT\n")
		rs, err := open(t).Postrouting()
		if err != nil {
			t.Fatal(err)
		}
		rules := rs.Tables[0].Chains["LONG"].Rules
		if len(rules) != n {
			t.Fatalf("%d rules, want %d", len(rules), n)
		}
		for _, i := range []int{0, n / 2, n - 1} {
			if want := fmt.Sprintf("rule %d", i); rules[i].Comment != want {
				t.Errorf("comment %q, want %q", rules[i].Comment, want)
			}
		}
		chain, err := open(t).Chain(netfilter.IPv4, "nat", "POSTROUTING")
		if err != nil || len(chain.Rules) != 1 {
			t.Errorf("POSTROUTING: %+v, %v", chain, err)
		}
	})
}
