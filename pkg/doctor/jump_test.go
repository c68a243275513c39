// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
)

// TestJumps tests what leads to the agent's chain besides its jump rule, and that a
// consequence does not deny what other rules do. The rules are written with nft after
// the agent's.
func TestJumps(t *testing.T) {
	const (
		flush        = "flush chain ip nat POSTROUTING\n"
		isLocal      = "fib daddr type != local jump IP-MASQ\n"
		add          = "add rule ip nat POSTROUTING "
		unlessOthers = "the agent masquerades nothing: unless other rules do, pods reach only destinations that have a route back to the pods' addresses"
		again        = "packets may pass the chain more than once, with the same result"
		local        = "traffic that the agent's jump rule excludes, to addresses of this node, may be masqueraded"
	)
	tests := []struct {
		name string
		nft  string
		want []string // of check jump, chain and other-agent, if not OK: severity, what, consequence
	}{
		{"two native jumps", flush + add + isLocal + add + "counter " + isLocal, []string{"info", "besides the agent's jump rule, POSTROUTING has 1 rule to chain IP-MASQ", again}},
		{"a native jump and the agent's", "insert rule ip nat POSTROUTING " + isLocal, []string{"warning", "besides the agent's jump rule, POSTROUTING has 1 rule to chain IP-MASQ", again}},
		{"a narrower jump", add + "tcp dport 80 " + isLocal, []string{"info", "besides the agent's jump rule, POSTROUTING has 1 rule to chain IP-MASQ", again}},
		{"narrower jumps", add + "fib daddr type unicast jump IP-MASQ\n" + add + "ip daddr 10.0.0.0/8 fib daddr type != { local, multicast } goto IP-MASQ\n",
			[]string{"info", "besides the agent's jump rule, POSTROUTING has 2 rules to chain IP-MASQ", again}},
		{"a wider jump", add + "jump IP-MASQ", []string{"warning", "besides the agent's jump rule, POSTROUTING has 1 rule to chain IP-MASQ", local}},
		{"a jump for all but multicast", add + "fib daddr type != multicast jump IP-MASQ", []string{"warning", "besides the agent's jump rule, POSTROUTING has 1 rule to chain IP-MASQ", local}},
		{"only a wider jump", flush + add + "jump IP-MASQ", []string{"error", "the rules of POSTROUTING that lead to chain IP-MASQ have other conditions than the agent's jump rule", "these conditions decide which traffic passes the chain"}},
		{"no jump", flush + add + "masquerade", []string{"error", "no rule of POSTROUTING jumps to chain IP-MASQ", "the chain has no effect, and " + unlessOthers}},
		{"through another chain", flush + "add chain ip nat other\nadd rule ip nat other " + isLocal + add + "jump other",
			[]string{"error", "no rule of POSTROUTING jumps to chain IP-MASQ", "only traffic that another chain sends to it passes the chain"}},
		{"no chain", flush + "flush chain ip nat IP-MASQ\ndelete chain ip nat IP-MASQ\n" + add + "masquerade", []string{"error", "chain IP-MASQ does not exist", unlessOthers}},
		{"another agent's chain through another chain", "add chain ip nat IP-MASQ-AGENT\nadd rule ip nat IP-MASQ-AGENT masquerade\nadd chain ip nat other\nadd rule ip nat other jump IP-MASQ-AGENT\n" + add + "jump other",
			[]string{"warning", "another agent's chain, IP-MASQ-AGENT, is in iptables-nft beside IP-MASQ", "traffic is masqueraded if either chain says so"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkDamage(t, tt.nft, tt.want, func(f Finding) []string {
				if f.Check == "jump" || f.Check == "chain" || f.Check == "other-agent" {
					return []string{string(f.Severity), f.What, f.Consequence}
				}
				return nil
			})
		})
	}
}

// TestLeftoverTableWithoutRules tests a table of the backend nftables that was flushed.
func TestLeftoverTableWithoutRules(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		netns.Require(t, "nft", netns.Command("iptables-nft", "IPv6"))
		options := synced(t, "iptables-nft")
		nft(t, "add table ip ip-masq-agent\nadd chain ip ip-masq-agent postrouting { type nat hook postrouting priority srcnat + 5; }")
		checkNotReached(t, options, "table ip-masq-agent is in nftables too, where this agent does not manage it", "nftables")
	})
}

// TestLeftoverNotReached tests a chain of the agent in the other backend that no rule
// leads to.
func TestLeftoverNotReached(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		netns.Require(t, "iptables-legacy", netns.Command("iptables-nft", "IPv6"))
		options := synced(t, "iptables-nft")
		netns.Restore(t, "iptables-legacy", "IPv4", "*nat\n:IP-MASQ - [0:0]\n-A IP-MASQ -j MASQUERADE\nCOMMIT\n")
		checkNotReached(t, options, "chain IP-MASQ is in iptables-legacy too, where this agent does not manage it", "iptables-legacy")
	})
}

// checkNotReached compares what doctor says of rules in another backend that no rule
// leads to.
func checkNotReached(t *testing.T, o Options, what, backend string) {
	t.Helper()
	want := []Finding{{
		Check: "backend", Severity: Info, Family: "IPv4",
		What:        what,
		Consequence: "none: no rule in force leads packets to it",
		Remedy:      "ip-masq-agent cleanup --masq-chain=IP-MASQ --backend=" + backend,
	}}
	if diff := cmp.Diff(want, leftovers(t, o)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
