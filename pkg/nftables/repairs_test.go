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
		name, damage      string
		wantChain, wantNo bool // what the report says: the rules; not the base chain
	}{
		{name: "table deleted", damage: "delete table " + name, wantChain: true},
		{name: "table dormant", damage: "add table " + name + " { flags dormant; }"},
		{name: "table flushed", damage: "flush table " + name, wantChain: true, wantNo: true},
		{name: "base chain deleted", damage: "flush chain " + name + " postrouting; delete chain " + name + " postrouting"},
		{name: "policy drop", damage: "add chain " + name + " postrouting { policy drop; }"},
		{name: "base chain flushed", damage: "flush chain " + name + " postrouting", wantChain: true, wantNo: true},
		{name: "chain flushed", damage: "flush chain " + name + " masq", wantChain: true, wantNo: true},
		{name: "rule before ours", damage: "insert rule " + name + " postrouting masquerade", wantChain: true, wantNo: true},
		{name: "rule behind ours", damage: "add rule " + name + " masq accept", wantChain: true, wantNo: true},
		{name: "foreign chain", damage: "add chain " + name + " other", wantChain: true, wantNo: true},
		{name: "foreign base chain", damage: "add chain " + name + " other { type filter hook output priority 0; }", wantChain: true, wantNo: true},
		{name: "foreign set", damage: "add set " + name + " other { type ipv4_addr; }", wantChain: true, wantNo: true},
		{name: "foreign counter", damage: "add counter " + name + " other", wantChain: true, wantNo: true},
		{name: "element deleted", damage: "delete element " + name + " destinations { 0.0.0.0/8 }", wantChain: true, wantNo: true},
		{name: "element added", damage: "add element " + name + " destinations { 8.8.8.8 : goto kept }", wantChain: true, wantNo: true},
		{name: "element with another verdict", damage: "delete element " + name + " destinations { 10.9.7.0/24 }; add element " + name + " destinations { 10.9.7.0/24 : goto masq }", wantChain: true, wantNo: true},
		{name: "element that drops", damage: "add element " + name + " destinations { 8.8.8.8 : drop }", wantChain: true, wantNo: true},
		{name: "element that jumps", damage: "delete element " + name + " destinations { 10.9.7.0/24 }; add element " + name + " destinations { 10.9.7.0/24 : jump kept }", wantChain: true, wantNo: true},
		{name: "map flushed", damage: "flush map " + name + " destinations", wantChain: true, wantNo: true},
		{name: "rule replaced", damage: "flush chain " + name + " kept; add rule " + name + " kept counter drop", wantChain: true, wantNo: true},
		{name: "comment lost", damage: "flush chain " + name + " kept; add rule " + name + " kept counter accept", wantChain: true, wantNo: true},
		{name: "counter lost", damage: `flush chain ` + name + ` kept; add rule ` + name + ` kept accept comment "` + keepNote + `"`, wantChain: true, wantNo: true},
		{name: "other shares", damage: "flush chain " + name + " ports0; add rule " + name + " ports0 meta l4proto { tcp, udp } masquerade to :1024-29999 fully-random", wantChain: true, wantNo: true},
		{name: "random instead of fully-random", damage: "flush chain " + name + " ports0; add rule " + name + " ports0 meta l4proto { tcp, udp, sctp } masquerade to :1024-29999 random", wantChain: true, wantNo: true},
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
					t.Errorf("Look after the damage: %v, %v", change, err)
				}
				report := apply(t, table, s)
				wantJump := !tt.wantNo
				if report.WroteChain != tt.wantChain || report.WroteJump != wantJump {
					t.Errorf("report %+v, want WroteChain %v and WroteJump %v", report, tt.wantChain, wantJump)
				}
				if diff := cmp.Diff(want, list(t, s.Family)); diff != "" {
					t.Errorf("repaired table (-want +got):\n%s", diff)
				}
				checkUnchanged(t, table, s)
				if change, err := table.Change(); err != nil || change != netfilter.Unchanged {
					t.Errorf("Look after the repair: %v, %v", change, err)
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
