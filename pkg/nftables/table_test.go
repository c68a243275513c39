// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// list returns the agent's table as nft prints it, without handles.
func list(t testing.TB, f netfilter.Family) string {
	t.Helper()
	return nftOutput(t, "list", "table", familyName(protoOf(f)), TableName)
}

// apply makes the kernel hold a table, and fails the test on an error.
func apply(t testing.TB, table *Table, s Spec) netfilter.Report {
	t.Helper()
	report, err := table.Apply(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// checkUnchanged fails unless another Apply, also that of an agent that starts
// anew, writes nothing.
func checkUnchanged(t testing.TB, table *Table, s Spec) {
	t.Helper()
	for _, table := range []*Table{table, NewTable(s.Family)} {
		before := netns.Generation(t)
		report := apply(t, table, s)
		if after := netns.Generation(t); report.WroteChain || report.WroteJump || after != before {
			t.Errorf("the table was written again: %+v, generation %d, then %d", report, before, after)
		}
	}
}

// forEachSpec runs a test for each of the specs in a network namespace of its
// own.
func forEachSpec(t *testing.T, test func(t *testing.T, s Spec)) {
	for name, s := range specs() {
		t.Run(name, func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) { test(t, s) })
		})
	}
}

// TestTextIsWhatIsWritten compares the table that is written over netlink with
// the one that nft makes of the text, and has each accept the other's.
func TestTextIsWhatIsWritten(t *testing.T) {
	forEachSpec(t, func(t *testing.T, s Spec) {
		table := NewTable(s.Family)
		if report := apply(t, table, s); !report.WroteChain || !report.WroteJump {
			t.Errorf("report on a new table: %+v", report)
		}
		written := list(t, s.Family)
		checkUnchanged(t, table, s)

		nft(t, s.String()) // over the table that exists
		if diff := cmp.Diff(written, list(t, s.Family)); diff != "" {
			t.Errorf("nft lists another table after nft -f of the text (-netlink +text):\n%s", diff)
		}
		checkUnchanged(t, table, s)

		nft(t, "flush ruleset\n"+written) // as a service that restores the rule set
		if diff := cmp.Diff(written, list(t, s.Family)); diff != "" {
			t.Errorf("nft lists another table after nft -f of its own list (-netlink +restored):\n%s", diff)
		}
		checkUnchanged(t, table, s)
	})
}

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
				if change, err := table.Look(); err != nil || change != netfilter.Changed {
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
				if change, err := table.Look(); err != nil || change != netfilter.Unchanged {
					t.Errorf("Look after the repair: %v, %v", change, err)
				}
				nftOutput(t, "list", "chain", "ip", "other", "canary")
			})
		})
	}
}

// TestEditExchangesElements edits the ranges. Rules and chains keep their
// handles, and so their counters.
func TestEditExchangesElements(t *testing.T) {
	edits := map[string]string{
		"grown":              "10.0.0.0-11.255.255.255 keep, 172.16.0.0-172.31.255.255 keep",
		"shrunk":             "10.0.0.0-10.127.255.255 keep, 172.16.0.0-172.31.255.255 keep",
		"other verdict":      "10.0.0.0-10.255.255.255 masquerade, 172.16.0.0-172.31.255.255 keep",
		"split":              "10.0.0.0-10.8.255.255 keep, 10.9.0.0-10.9.255.255 masquerade, 10.10.0.0-10.255.255.255 keep, 172.16.0.0-172.31.255.255 keep",
		"neighbor":           "10.0.0.0-10.255.255.255 keep, 11.0.0.0-11.255.255.255 masquerade, 172.16.0.0-172.31.255.255 keep",
		"all else":           "192.0.2.1 keep, 198.51.100.0-198.51.100.255 masquerade",
		"everything":         "0.0.0.0-255.255.255.255 keep",
		"to the last one":    "10.0.0.0-10.255.255.255 keep, 172.16.0.0-255.255.255.255 keep",
		"from the first one": "0.0.0.0-10.255.255.255 keep, 172.16.0.0-172.31.255.255 keep",
	}
	elements := regexp.MustCompile(`(?s)\n\s*elements = \{.*?\}`)
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) {
				handles := func() string {
					return elements.ReplaceAllString(nftOutput(t, "-a", "list", "table", "ip", TableName), "")
				}
				first := Spec{Destinations: intervals("10.0.0.0-10.255.255.255 keep, 172.16.0.0-172.31.255.255 keep")}
				second := Spec{Destinations: intervals(edit)}
				table := NewTable(netfilter.IPv4)
				apply(t, table, first)
				before := handles()
				for _, s := range []Spec{second, {}, first} {
					if report := apply(t, table, s); !report.WroteChain || report.WroteJump {
						t.Errorf("report %+v", report)
					}
					if diff := cmp.Diff(before, handles()); diff != "" {
						t.Errorf("besides elements the edit changed (-before +after):\n%s", diff)
					}
					edited := list(t, s.Family)
					checkUnchanged(t, table, s)
					nft(t, "add table ip x\n"+strings.ReplaceAll(s.String(), "ip "+TableName, "ip x"))
					if diff := cmp.Diff(strings.ReplaceAll(edited, "ip "+TableName, "ip x"), nftOutput(t, "list", "table", "ip", "x")); diff != "" {
						t.Errorf("edited table (-netlink +text):\n%s", diff)
					}
				}
			})
		})
	}
}

// TestManyRanges writes tens of thousands of ranges in one transaction, has
// nft count them, and exchanges them all in another.
func TestManyRanges(t *testing.T) {
	tests := []struct {
		name   string
		family netfilter.Family
		n      int
	}{{"IPv4 10000", netfilter.IPv4, 10000}, {"IPv6 10000", netfilter.IPv6, 10000}, {"IPv4 60000", netfilter.IPv4, 60000}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) {
				s := Spec{Family: tt.family, Destinations: many(tt.family, tt.n)}
				table := NewTable(tt.family)
				for range 2 {
					before := netns.Generation(t)
					apply(t, table, s)
					if after := netns.Generation(t); after != before+1 {
						t.Errorf("%d transactions, want 1", after-before)
					}
					listed := list(t, tt.family)
					kept, masqueraded := strings.Count(listed, ": goto kept"), strings.Count(listed, ": goto masq")
					if kept != tt.n/2 || masqueraded != tt.n/2 {
						t.Fatalf("%d ranges kept and %d masqueraded, want %d each", kept, masqueraded, tt.n/2)
					}
					for i := range s.Destinations {
						s.Destinations[i].Masquerade = !s.Destinations[i].Masquerade
					}
				}
			})
		})
	}
}

// TestRefusedTransaction has the kernel refuse the last of many messages: none
// of them has an effect, and the error says which one it was.
func TestRefusedTransaction(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		s := specs()["defaults"]
		table := NewTable(s.Family)
		apply(t, table, s)
		want := list(t, s.Family)

		l := Spec{Destinations: many(netfilter.IPv4, 1000)}.layout()
		l.chains[len(l.chains)-1].rules = append(l.chains[len(l.chains)-1].rules,
			ruleLayout{expressions: []expr{exprGoto("absent")}})
		err := commit(t.Context(), l.compile())
		if !errors.Is(err, unix.ENOENT) || !strings.HasPrefix(err.Error(), "adding a rule to chain masq: ") {
			t.Errorf("the error is %v", err)
		}
		if diff := cmp.Diff(want, list(t, s.Family)); diff != "" {
			t.Errorf("table after a refused transaction (-want +got):\n%s", diff)
		}
	})
}

func TestRemove(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		s := specs()["defaults"]
		table := NewTable(s.Family)
		for _, want := range []bool{true, false} {
			if want {
				apply(t, table, s)
			}
			if has, err := table.HasRules(t.Context()); err != nil || has != want {
				t.Errorf("HasRules: %v, %v, want %v", has, err, want)
			}
			removed, err := table.Remove(t.Context())
			if err != nil || removed != want {
				t.Errorf("Remove: %v, %v, want %v", removed, err, want)
			}
		}
		if left := nftOutput(t, "list", "ruleset"); left != "" {
			t.Errorf("left in the kernel:\n%s", left)
		}
	})
}

// TestUnknownFamily keeps ranges of one family out of the other's table.
func TestUnknownFamily(t *testing.T) {
	_, err := NewTable(netfilter.IPv6).Apply(t.Context(), Spec{})
	if err == nil || !strings.Contains(err.Error(), "the ranges are of IPv4") {
		t.Errorf("the error is %v", err)
	}
}

// TestRefusedEditReplacesTheTable has a map that has no room for more elements.
func TestRefusedEditReplacesTheTable(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		first := Spec{Destinations: intervals("10.0.0.0-10.255.255.255 keep")}
		nft(t, strings.Replace(first.String(), "flags interval\n", "flags interval\nsize 2\n", 1))
		table := NewTable(netfilter.IPv4)
		checkUnchanged(t, table, first)

		second := Spec{Destinations: many(netfilter.IPv4, 10)}
		if report := apply(t, table, second); !report.WroteChain {
			t.Errorf("report %+v", report)
		}
		listed := list(t, netfilter.IPv4)
		if strings.Contains(listed, "size 2") || strings.Count(listed, ": goto") != 10 {
			t.Errorf("the table is\n%s", listed)
		}
		checkUnchanged(t, table, second)
	})
}
