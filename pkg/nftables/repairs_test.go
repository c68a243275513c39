// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestRepairs damages the table with nft, and adds to it what does not belong
// there.
func TestRepairs(t *testing.T) {
	const name = "ip " + TableName
	tests := []struct {
		name, damage          string
		wroteRules, wroteBase bool // what the report says
	}{
		{name: "table deleted", damage: "delete table " + name, wroteRules: true, wroteBase: true},
		{name: "table dormant", damage: "add table " + name + " { flags dormant; }", wroteBase: true},
		{name: "table flushed", damage: "flush table " + name, wroteRules: true},
		{name: "base chain deleted", damage: "flush chain " + name + " postrouting; delete chain " + name + " postrouting", wroteBase: true},
		{name: "policy drop", damage: "add chain " + name + " postrouting { policy drop; }", wroteBase: true},
		{name: "base chain flushed", damage: "flush chain " + name + " postrouting", wroteRules: true},
		{name: "chain flushed", damage: "flush chain " + name + " masq", wroteRules: true},
		{name: "rule before ours", damage: "insert rule " + name + " postrouting masquerade", wroteRules: true},
		{name: "rule behind ours", damage: "add rule " + name + " masq accept", wroteRules: true},
		{name: "foreign chain", damage: "add chain " + name + " other", wroteRules: true},
		{name: "foreign base chain", damage: "add chain " + name + " other { type filter hook output priority 0; }", wroteRules: true},
		{name: "foreign set", damage: "add set " + name + " other { type ipv4_addr; }", wroteRules: true},
		{name: "foreign counter", damage: "add counter " + name + " other", wroteRules: true},
		{name: "element deleted", damage: "delete element " + name + " destinations { 0.0.0.0/8 }", wroteRules: true},
		{name: "element added", damage: "add element " + name + " destinations { 8.8.8.8 : goto kept }", wroteRules: true},
		{name: "element with another verdict", damage: "delete element " + name + " destinations { 10.9.7.0/24 }; add element " + name + " destinations { 10.9.7.0/24 : goto masq }", wroteRules: true},
		{name: "element that drops", damage: "add element " + name + " destinations { 8.8.8.8 : drop }", wroteRules: true},
		{name: "element that jumps", damage: "delete element " + name + " destinations { 10.9.7.0/24 }; add element " + name + " destinations { 10.9.7.0/24 : jump kept }", wroteRules: true},
		{name: "map flushed", damage: "flush map " + name + " destinations", wroteRules: true},
		{name: "rule replaced", damage: "flush chain " + name + " kept; add rule " + name + " kept counter drop", wroteRules: true},
		{name: "comment lost", damage: "flush chain " + name + " kept; add rule " + name + " kept counter accept", wroteRules: true},
		{name: "counter lost", damage: `flush chain ` + name + ` kept; add rule ` + name + ` kept accept comment "` + keepNote + `"`, wroteRules: true},
		{name: "other shares", damage: "flush chain " + name + " ports0; add rule " + name + " ports0 meta l4proto { tcp, udp } masquerade to :1024-29999 fully-random", wroteRules: true},
		{name: "random instead of fully-random", damage: "flush chain " + name + " ports0; add rule " + name + " ports0 meta l4proto { tcp, udp, sctp } masquerade to :1024-29999 random", wroteRules: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) {
				s := specs()["exceptions and ports"]
				table := NewTable(s.Family)
				apply(t, table, s)
				want := list(t, s.Family)
				nft(t, "add table ip other\nadd chain ip other canary\n")

				nft(t, strings.ReplaceAll(tt.damage, "; ", "\n"))
				if change, err := table.Change(); err != nil || change != netfilter.Changed {
					t.Errorf("Change after the damage: %v, %v", change, err)
				}
				report := apply(t, table, s)
				if report.WroteChain != tt.wroteRules || report.WroteJump != tt.wroteBase {
					t.Errorf("report %+v, want WroteChain %v and WroteJump %v", report, tt.wroteRules, tt.wroteBase)
				}
				if diff := cmp.Diff(want, list(t, s.Family)); diff != "" {
					t.Errorf("repaired table (-want +got):\n%s", diff)
				}
				checkUnchanged(t, table, s)
				if change, err := table.Change(); err != nil || change != netfilter.Unchanged {
					t.Errorf("Change after the repair: %v, %v", change, err)
				}
				nftOutput(t, "list", "chain", "ip", "other", "canary")
			})
		})
	}
}

func TestDifferences(t *testing.T) {
	const name = "ip " + TableName
	tests := []struct {
		name, damage string
		want         []string
	}{
		{name: "none", damage: "add table " + name},
		{name: "table deleted", damage: "delete table " + name, want: []string{"the table is missing"}},
		{name: "table dormant", damage: "add table " + name + " { flags dormant; }", want: []string{"the table has flags 0x1"}},
		{name: "rule added", damage: "add rule " + name + " kept drop", want: []string{"chain kept has 2 rules instead of 1"}},
		{name: "rule replaced", damage: "flush chain " + name + " kept; add rule " + name + " kept drop", want: []string{`rule 1 of chain kept is not "counter accept"`}},
		{name: "chain added", damage: "add chain " + name + " other", want: []string{"the table has 8 chains, sets and other objects instead of 7"}},
		{
			name:   "elements",
			damage: "delete element " + name + " destinations { 10.9.7.0/24 }; add element " + name + " destinations { 10.9.7.0/25 : drop, 8.8.8.8-8.8.8.10 : jump kept }",
			want:   []string{"- element 10.9.7.0/24 : goto kept", "+ element 8.8.8.8-8.8.8.10 : jump kept", "+ element 10.9.7.0/25 : drop"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) {
				s := specs()["exceptions and ports"]
				table := NewTable(s.Family)
				apply(t, table, s)
				nft(t, strings.ReplaceAll(tt.damage, "; ", "\n"))
				before := netns.Generation(t)
				got, err := table.Differences(s)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if after := netns.Generation(t); after != before {
					t.Errorf("reading wrote something: generation %d, then %d", before, after)
				}
			})
		})
	}
}
