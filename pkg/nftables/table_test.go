// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"context"
	"errors"
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
	return nftOutput(t, "list", "table", f.NFT(), TableName)
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

// checkUnchanged fails if another Apply writes anything, also that of an agent that
// has just started.
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

// TestTextIsWhatIsWritten compares the table that is written over netlink with the
// one that nft creates from the text. Each accepts the table of the other.
func TestTextIsWhatIsWritten(t *testing.T) {
	forEachSpec(t, func(t *testing.T, s Spec) {
		table := NewTable(s.Family)
		if report := apply(t, table, s); !report.WroteChain || !report.WroteJump {
			t.Errorf("report on a new table: %+v", report)
		}
		written := list(t, s.Family)
		checkUnchanged(t, table, s)

		nft(t, s.String()) // replaces the existing table
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

// TestRefusedTransaction: if the kernel rejects the last of many messages, none of
// them has an effect, and the error names the rejected one.
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
			t.Errorf("table after a rejected transaction (-want +got):\n%s", diff)
		}
	})
}

// TestHasNoRules: tables without rules, and rules in other tables, do not count as
// rules of the agent.
func TestHasNoRules(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		s := specs()["defaults"]
		table := NewTable(s.Family)
		apply(t, table, s)
		for _, script := range []string{
			"flush table ip " + TableName,
			"delete table ip " + TableName + "\nadd table ip " + TableName,
			"table inet " + TableName + " {\nchain c { type nat hook postrouting priority 100; masquerade; }\n}\ntable ip other {\nchain c { type nat hook postrouting priority 100; masquerade; }\n}",
		} {
			nft(t, script)
			exists, err := table.Exists(t.Context())
			if err != nil || !exists {
				t.Errorf("after %s: Exists: %v, %v", script, exists, err)
			}
			has, err := table.HasRules(t.Context())
			if err != nil || has {
				t.Errorf("after %s: HasRules: %v, %v", script, has, err)
			}
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
			for name, ask := range map[string]func(context.Context) (bool, error){"Exists": table.Exists, "HasRules": table.HasRules} {
				if has, err := ask(t.Context()); err != nil || has != want {
					t.Errorf("%s: %v, %v, want %v", name, has, err, want)
				}
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

// TestOtherFamily: ranges of one family are not written to the other's table.
func TestOtherFamily(t *testing.T) {
	_, err := NewTable(netfilter.IPv6).Apply(t.Context(), Spec{})
	if err == nil || !strings.Contains(err.Error(), "the ranges are of IPv4") {
		t.Errorf("the error is %v", err)
	}
}
