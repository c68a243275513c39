// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// legacyTest runs a test in a network namespace of its own for each family.
func legacyTest(t *testing.T, test func(t *testing.T, family string, n *NAT)) {
	for _, family := range []string{"IPv4", "IPv6"} {
		t.Run(family, func(t *testing.T) {
			netns.Require(t, netns.Tools("iptables-legacy", family)...)
			netns.Run(t, func(t *testing.T) {
				n := NewNAT(familyOf(family), Legacy)
				defer n.Close()
				test(t, family, n)
			})
		})
	}
}

// readSaved returns what NAT.read returns if the entries are not enough.
func readSaved(t *testing.T, n *NAT) state {
	t.Helper()
	s, err := saveNAT(t.Context(), n.family, func(c string) bool { return c == "IP-MASQ" || c == postrouting })
	if err != nil {
		t.Fatal(err)
	}
	return state{chain: s.chain(n.family, "IP-MASQ"), postrouting: s.chain(n.family, postrouting)}
}

// TestEntriesAreWhatSavePrints: the kernel's own form of the chain has the same
// rules and counters as the text of iptables-legacy-save.
func TestEntriesAreWhatSavePrints(t *testing.T) {
	legacyTest(t, func(t *testing.T, family string, n *NAT) {
		netns.Restore(t, "iptables-legacy", family, others)
		counted := strings.Replace(wanted(family).String(), "-A IP-MASQ", "-A IP-MASQ -c 7 4200", 1)
		netns.Restore(t, "iptables-legacy", family, counted)
		got, ok := n.readEntries("IP-MASQ")
		if !ok {
			t.Fatal("the entries were not understood")
		}
		want := readSaved(t, n)
		options := cmp.Options{cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateComparable(netip.Addr{}), cmpopts.IgnoreFields(netfilter.Rule{}, "Text")}
		if diff := cmp.Diff(want.chain, got.chain, options); diff != "" {
			t.Errorf("chain (-save +entries):\n%s", diff)
		}
		if got.chain.Rules[0].Count != (netfilter.Count{Packets: 7, Bytes: 4200}) {
			t.Errorf("the first rule counted %+v", got.chain.Rules[0].Count)
		}
		if diff := cmp.Diff(want.postrouting.Rules[1], got.postrouting.Rules[1], options); diff != "" {
			t.Errorf("jump (-save +entries):\n%s", diff)
		}
	})
}

// TestEntriesLeadToTheSamePlan has rules of every kind in our chain and in
// POSTROUTING: what is understood has to lead to the same writes as the text of
// iptables-legacy-save, and the rest has to be left to that.
func TestEntriesLeadToTheSamePlan(t *testing.T) {
	tests := []struct {
		rule       string // restored into a table with the wanted chain and its jump
		understood bool
	}{
		{"", true},
		{"-F IP-MASQ", true},
		{"-D IP-MASQ 1", true},
		{"-D POSTROUTING 1", true},
		{"-D POSTROUTING 1\n-F IP-MASQ\n-X IP-MASQ", true},
		{":AAA - [0:0]\n-A AAA -j RETURN\n:ZZZ - [0:0]\n-A ZZZ -j AAA", true},
		{"-A IP-MASQ -j RETURN", true},
		{"-A IP-MASQ -j MASQUERADE", true},
		{"-A IP-MASQ -p tcp -j RETURN", true},
		{"-A IP-MASQ -m addrtype ! --dst-type LOCAL -j RETURN", true},
		{"-A IP-MASQ -m statistic --mode random --probability 0.25 -j RETURN", true},
		{"-A IP-MASQ -m comment --comment \"a \\\"quoted\\\" word\" -j RETURN", true},
		{"-A IP-MASQ", false}, // without a target
		{"-A IP-MASQ -j ACCEPT", false},
		{"-A IP-MASQ -p icmp -j RETURN", false},
		{"-A IP-MASQ ! -p tcp -j RETURN", false},
		{"-A IP-MASQ -o lo -j RETURN", false},
		{"-A IP-MASQ -s RANGE -j RETURN", true},
		{"-A IP-MASQ -s RANGE -d RANGE -j MASQUERADE", true},
		{"-A IP-MASQ ! -s RANGE -j RETURN", false},
		{"-A IP-MASQ ! -d RANGE -j RETURN", false},
		{"-A IP-MASQ -p tcp -m tcp --dport 80 -j RETURN", false},
		{"-A IP-MASQ -m comment --comment a -m comment --comment b -j RETURN", false},
		{"-A IP-MASQ -m addrtype --dst-type LOCAL -j RETURN", false},
		{"-A IP-MASQ -m addrtype --src-type LOCAL ! --dst-type LOCAL -j RETURN", false},
		{"-A IP-MASQ -m statistic --mode nth --every 2 --packet 0 -j RETURN", false},
		{"-A IP-MASQ -m statistic --mode random ! --probability 0.25 -j RETURN", false},
		{"-A IP-MASQ -m mark --mark 0x4000/0x4000 -j RETURN", false},
		{"-A IP-MASQ -p tcp -j MASQUERADE --to-ports 1024-2048 --random", false},
		{"-A IP-MASQ -j MARK --set-xmark 0x1/0x1", false},
		{"-A POSTROUTING -j MASQUERADE", true},
		{"-I POSTROUTING -m mark --mark 0x1 -j ACCEPT", true},
		{":OTHER - [0:0]\n-A POSTROUTING -m addrtype ! --dst-type LOCAL -j OTHER", true},
		{"-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ", false}, // which is deleted by its text
		{"-A POSTROUTING -j IP-MASQ", false},
		{"-D POSTROUTING 1\n-A POSTROUTING -j IP-MASQ", true}, // understood, and not the agent's jump
		{"-D POSTROUTING 1\n-A POSTROUTING -s RANGE -m addrtype ! --dst-type LOCAL -j IP-MASQ", true},
		{"-D POSTROUTING 1\n-A POSTROUTING -m addrtype ! --dst-type LOCAL -g IP-MASQ", false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%q", tt.rule), func(t *testing.T) {
			legacyTest(t, func(t *testing.T, family string, n *NAT) {
				want := wanted(family)
				netns.Restore(t, "iptables-legacy", family, want.String())
				change := strings.ReplaceAll(tt.rule, "RANGE", map[string]string{"IPv4": "192.0.2.0/24", "IPv6": "2001:db8::/32"}[family])
				netns.Restore(t, "iptables-legacy", family, "*nat\n"+change+"\nCOMMIT\n")
				got, ok := n.readEntries("IP-MASQ")
				if ok != tt.understood {
					t.Fatalf("understood = %v, want %v", ok, tt.understood)
				}
				if !ok {
					return
				}
				saved := readSaved(t, n)
				text, entries := newPlan(n.family, saved, want), newPlan(n.family, got, want)
				if diff := cmp.Diff(text.input(want), entries.input(want)); diff != "" {
					t.Errorf("what Apply writes (-by the text +by the entries):\n%s", diff)
				}
				if a, b := text.entries(saved, want), entries.entries(got, want); a != b {
					t.Errorf("the write adds %d entries by the text, %d by the entries", a, b)
				}
			})
		})
	}
}
