// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTableString(t *testing.T) {
	for want, table := range map[string]Table{
		"table inet filter":               {Owner: OwnerNFTables, Family: "inet", Name: "filter"},
		"table ip nat of iptables-legacy": {Owner: OwnerLegacy, Family: "ip", Name: "nat"},
	} {
		if got := table.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestHasFamily(t *testing.T) {
	for family, want := range map[string][2]bool{"ip": {true, false}, "ip6": {false, true}, "inet": {true, true}, "bridge": {}, "": {}} {
		table := Table{Family: family}
		if got := [2]bool{table.HasFamily(IPv4), table.HasFamily(IPv6)}; got != want {
			t.Errorf("family %q: %v, want %v", family, got, want)
		}
	}
}

func TestTargets(t *testing.T) {
	a, b := jump("A"), goTo("B")
	for _, tt := range []struct {
		name string
		rule Rule
		want []string
	}{
		{"no target", rule(here, do(Accept)), nil},
		{"a jump", rule(here, a), []string{"A"}},
		{"a goto", rule(b), []string{"B"}},
		{"a map", rule(VerdictMap{Elements: []Element{{Verdict: b}, {Verdict: do(Drop)}, {Verdict: a}, {Verdict: b}}}), []string{"B", "A"}},
		{"a map with a default", rule(VerdictMap{Elements: []Element{{Verdict: a}}, Default: &b}), []string{"A", "B"}},
		{"a target that is not understood", rule(Verdict{Action: Other, Chain: "C"}), nil},
	} {
		if diff := cmp.Diff(tt.want, tt.rule.Targets()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestPlaceString(t *testing.T) {
	unread := &Chain{Name: "A", Base: true, Err: errors.New("EPERM")}
	for want, p := range map[string]Place{
		"-j A":                           {Chain: unread, Rule: &Rule{Text: "-j A"}},
		"(not read: EPERM)":              {Chain: unread},
		"(the policy of chain OUTBOUND)": {Chain: &Chain{Name: "OUTBOUND", Base: true}},
		"":                               {Chain: &Chain{Name: "A"}},
	} {
		if got := p.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := (Place{}).String(); got != "" {
		t.Errorf("of no place: %q", got)
	}
}

func TestPlaceConditions(t *testing.T) {
	r := rule(NotUnderstood("-m time"), do(Accept))
	if got := (Place{Rule: &r}).Conditions(); len(got) != 1 || got[0].Text != "-m time" {
		t.Errorf("conditions %v", got)
	}
	if got := (Place{}).Conditions(); got != nil {
		t.Errorf("of no rule: %v", got)
	}
}

// TestUnread: nothing can be told of a family whose rules could not be read, and
// everything of the other.
func TestUnread(t *testing.T) {
	for f, want := range map[Family][2]Fate{IPv4: {Undetermined, Kept}, IPv6: {Kept, Undetermined}} {
		table := Unread(OwnerLegacy, f, errors.New("EPERM"))
		masquerades := base(-1000, []Rule{rule(do(Masquerade))}, nil)
		masquerades.Family = table.Family
		rs := Ruleset{Tables: []*Table{table}}
		if got := [2]Fate{rs.Walk(packet).Fate(), rs.Walk(packet6).Fate()}; got != want {
			t.Errorf("%s: %v, want %v", f, got, want)
		}
		rs = Ruleset{Tables: []*Table{masquerades, table}}
		if got := [2]Fate{rs.Walk(packet).Fate(), rs.Walk(packet6).Fate()}; got != want {
			t.Errorf("%s, before rules that were read: %v, want %v", f, got, want)
		}
	}
	if got := IPv4.String() + " " + IPv6.String(); got != "IPv4 IPv6" {
		t.Errorf("the families are %q", got)
	}
}

func TestMay(t *testing.T) {
	r := Result{Outcomes: []Outcome{{Fate: Kept}, {Fate: Masqueraded}}}
	if !r.May(Kept) || !r.May(Masqueraded) || r.May(Dropped) {
		t.Errorf("may: keep %v, masquerade %v, drop %v", r.May(Kept), r.May(Masqueraded), r.May(Dropped))
	}
}
