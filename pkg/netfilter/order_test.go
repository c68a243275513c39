// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestByPriority: priority first, then names, so that the same rules give the
// same text in whatever order they were read.
func TestByPriority(t *testing.T) {
	table := func(owner, family, name string, chains map[string]int) *Table {
		out := &Table{Owner: owner, Family: family, Name: name, Chains: map[string]*Chain{"other": {Name: "other"}}}
		for chain, priority := range chains {
			out.Chains[chain] = &Chain{Name: chain, Base: true, Priority: priority}
		}
		return out
	}
	dormant := table(OwnerNFTables, "ip", "sleeping", map[string]int{"x": 100})
	dormant.Dormant = true
	tables := []*Table{
		dormant,
		table(OwnerNFTables, "ip6", "nat", map[string]int{"POSTROUTING": 100}),
		table(OwnerNFTables, "ip", "late", map[string]int{"a": 101}),
		table(OwnerNFTables, "inet", "b", map[string]int{"a": 100}),
		table(OwnerNFTables, "ip", "a", map[string]int{"b": 100, "a": 100, "c": 100}),
		table(OwnerNFTables, "ip", "b", map[string]int{"a": 100}),
		table(OwnerLegacy, "ip", "nat", map[string]int{"POSTROUTING": 100}),
		table(OwnerNFTables, "ip", "early", map[string]int{"z": -100}),
	}
	want := [][]string{
		{"table ip early z"},
		{
			"table ip nat of iptables-legacy POSTROUTING",
			"table inet b a",
			"table ip a a", "table ip a b", "table ip a c",
			"table ip b a",
		},
		{"table ip late a"},
	}
	for range 2 {
		var got [][]string
		for _, group := range (Ruleset{Tables: tables}).byPriority(IPv4) {
			var names []string
			for _, b := range group {
				names = append(names, b.table.String()+" "+b.chain.Name)
			}
			got = append(got, names)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		slices.Reverse(tables)
	}
}

// TestWalkKeepsWhatMayBe: of ways that meet again, what one way did and another
// did not cannot be told.
func TestWalkKeepsWhatMayBe(t *testing.T) {
	kube := []byte{0, 0, 0x40, 0}
	set := SetMark{Operand{Field: Constant, Length: 4, Constant: kube}}
	marked := rule(markMasked(kube, kube), do(Masquerade))
	unmarked := rule(negated(markMasked(kube, kube)), do(Masquerade))
	mapped := func(first, second Verdict) Rule {
		return rule(VerdictMap{Key: []Operand{{Field: Mark, Offset: 3, Length: 1}}, Elements: []Element{
			{Key: []Range{{[]byte{0}, []byte{9}}}, Verdict: first}, {Key: []Range{{[]byte{10}, []byte{255}}}, Verdict: second}}})
	}
	chains := map[string][]Rule{
		"set": {rule(set)}, "unset": {},
		"returns": {rule(maybe, set, do(Return)), rule(do(Return))},
		"accepts": {rule(maybe, set, do(Accept)), rule(do(Accept))},
	}
	tests := []struct {
		name             string
		first            []Rule // of the base chain
		inner            bool   // the rule that asks for the mark is in it too, not in another one
		marked, unmarked Fate   // by a rule that masquerades with the mark, and one without it
	}{
		{"two returns", []Rule{rule(jump("returns"))}, true, Undetermined, Undetermined},
		{"two ways to accept", []Rule{rule(jump("accepts"))}, false, Undetermined, Undetermined},
		{"accept or the end", []Rule{rule(maybe, set, do(Accept))}, false, Undetermined, Undetermined},
		{"the end or accept", []Rule{rule(maybe, do(Accept)), rule(set)}, false, Undetermined, Undetermined},
		{"a map, two chains", []Rule{mapped(jump("set"), jump("unset"))}, true, Undetermined, Undetermined},
		{"a map, two chains in the other order", []Rule{mapped(jump("unset"), jump("set"))}, true, Undetermined, Undetermined},
		{"surely set", []Rule{rule(set)}, true, Masqueraded, Kept},
		{"surely set in another base chain", []Rule{rule(set)}, false, Masqueraded, Kept},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			walk := func(last Rule) Fate {
				rs := Ruleset{Tables: []*Table{base(50, tt.first, chains), base(100, []Rule{last}, nil)}}
				if tt.inner {
					rs = Ruleset{Tables: []*Table{base(50, append(slices.Clone(tt.first), last), chains)}}
				}
				return rs.Walk(packet).Fate()
			}
			if got := walk(marked); got != tt.marked {
				t.Errorf("with the mark: fate %s, want %s", got, tt.marked)
			}
			if got := walk(unmarked); got != tt.unmarked {
				t.Errorf("without the mark: fate %s, want %s", got, tt.unmarked)
			}
		})
	}
	// What comes back from a map has the mark; the rest is dropped.
	rs := Ruleset{Tables: []*Table{base(50, []Rule{mapped(jump("set"), do(Drop)), unmarked}, chains)}}
	if diff := cmp.Diff([]Fate{Dropped, Kept}, fates(rs.Walk(packet))); diff != "" {
		t.Errorf("a map that may drop (-want +got):\n%s", diff)
	}
}

// TestWalkEnds: a walk has a bound, beyond which anything may happen.
func TestWalkEnds(t *testing.T) {
	t.Run("rules", func(t *testing.T) {
		outer, inner := make([]Rule, 2001), make([]Rule, 2000)
		for i := range outer {
			outer[i] = rule(jump("A"))
		}
		table := base(100, append(outer, rule(do(Masquerade))), map[string][]Rule{"A": inner})
		r := (Ruleset{Tables: []*Table{table}}).Walk(packet)
		var got []string
		for _, o := range r.Outcomes {
			got = append(got, string(o.Fate)+" "+o.By.Chain.Name)
		}
		if diff := cmp.Diff([]string{"unknown A", "unknown POSTROUTING"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("nested jumps", func(t *testing.T) {
		chains := map[string][]Rule{"p": {rule(do(Masquerade))}}
		for c := byte('a'); c < 'p'; c++ {
			chains[string(c)] = []Rule{rule(jump(string(c + 1)))}
		}
		rs := Ruleset{Tables: []*Table{base(100, []Rule{rule(jump("a"))}, chains)}}
		if got := rs.Walk(packet).Fate(); got != Masqueraded { // 16, as many as the kernel takes
			t.Errorf("fate %s", got)
		}
	})
}
