// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// packet goes from 10.1.0.2 to 192.0.2.1 by eth0.
var packet = Packet{
	Source:          netip.MustParseAddr("10.1.0.2"),
	Destination:     netip.MustParseAddr("192.0.2.1"),
	DestinationType: TypeUnicast,
	Out:             Interface{Name: "eth0", Index: 2},
	Protocol:        6,
}

// rule makes a rule of steps.
func rule(steps ...Step) Rule { return Rule{Steps: steps} }

func do(a Action) Verdict       { return Verdict{Action: a} }
func jump(chain string) Verdict { return Verdict{Action: Jump, Chain: chain} }
func goTo(chain string) Verdict { return Verdict{Action: Goto, Chain: chain} }

func to(prefix string) Condition {
	return DestinationIn(netip.MustParsePrefix(prefix), false, "-d "+prefix)
}

var (
	here  = to("192.0.2.0/24") // holds for the packet
	there = to("10.0.0.0/8")   // does not
	maybe = NotUnderstood("-m thing")
)

// base makes a table with one base chain and other chains.
func base(priority int, rules []Rule, chains map[string][]Rule) *Table {
	t := &Table{Owner: OwnerNFTables, Family: "ip", Name: "nat", Chains: map[string]*Chain{}}
	t.Chains["POSTROUTING"] = &Chain{Name: "POSTROUTING", Base: true, Priority: priority, Policy: Accept, Rules: rules}
	for name, rules := range chains {
		t.Chains[name] = &Chain{Name: name, Rules: rules}
	}
	return t
}

func fates(r Result) []Fate {
	var out []Fate
	for _, o := range r.Outcomes {
		out = append(out, o.Fate)
	}
	return out
}

func TestWalkOneChain(t *testing.T) {
	masquerade := do(Masquerade)
	tests := []struct {
		name   string
		rules  []Rule
		chains map[string][]Rule
		want   []Fate
	}{
		{name: "nothing", want: []Fate{Kept}},
		{name: "masquerade", rules: []Rule{rule(masquerade)}, want: []Fate{Masqueraded}},
		{name: "condition holds", rules: []Rule{rule(here, masquerade)}, want: []Fate{Masqueraded}},
		{name: "condition does not hold", rules: []Rule{rule(there, masquerade)}, want: []Fate{Kept}},
		{name: "accept ends the chain", rules: []Rule{rule(here, do(Accept)), rule(masquerade)}, want: []Fate{Kept}},
		{name: "return ends the base chain", rules: []Rule{rule(do(Return)), rule(masquerade)}, want: []Fate{Kept}},
		{name: "continue does nothing", rules: []Rule{rule(do(Continue)), rule(masquerade)}, want: []Fate{Masqueraded}},
		{name: "drop", rules: []Rule{rule(do(Drop)), rule(masquerade)}, want: []Fate{Dropped}},
		{name: "two rules, the first decides", rules: []Rule{rule(Verdict{Action: SNAT}), rule(masquerade)}, want: []Fate{Translated}},
		{
			name:  "return from a jump goes on after it",
			rules: []Rule{rule(jump("A")), rule(masquerade)}, chains: map[string][]Rule{"A": {rule(do(Return)), rule(do(Accept))}},
			want: []Fate{Masqueraded},
		},
		{
			name:  "the end of a chain goes on after the jump",
			rules: []Rule{rule(jump("A")), rule(masquerade)}, chains: map[string][]Rule{"A": {rule(there, do(Accept))}},
			want: []Fate{Masqueraded},
		},
		{
			name:  "accept behind a jump ends the base chain",
			rules: []Rule{rule(jump("A")), rule(masquerade)}, chains: map[string][]Rule{"A": {rule(do(Accept))}},
			want: []Fate{Kept},
		},
		{
			name:  "return from a goto ends the calling chain",
			rules: []Rule{rule(goTo("A")), rule(masquerade)}, chains: map[string][]Rule{"A": {rule(do(Return))}},
			want: []Fate{Kept},
		},
		{
			name:  "a goto behind a jump returns to after the jump",
			rules: []Rule{rule(jump("A")), rule(masquerade)}, chains: map[string][]Rule{"A": {rule(goTo("B")), rule(do(Drop))}, "B": {}},
			want: []Fate{Masqueraded},
		},
		{name: "a condition that cannot be told", rules: []Rule{rule(maybe, masquerade)}, want: []Fate{Masqueraded, Kept}},
		{name: "a condition that cannot be told, but all agree", rules: []Rule{rule(maybe, masquerade), rule(masquerade)}, want: []Fate{Masqueraded, Masqueraded}},
		{name: "a condition that fails behind one that cannot be told", rules: []Rule{rule(maybe, there, masquerade)}, want: []Fate{Kept}},
		{name: "accept that cannot be told", rules: []Rule{rule(maybe, do(Accept)), rule(masquerade)}, want: []Fate{Masqueraded, Kept}},
		{name: "a target that is not understood", rules: []Rule{rule(Verdict{Action: Other, Name: "X"}), rule(masquerade)}, want: []Fate{Undetermined, Masqueraded}},
		{name: "a chain that is missing", rules: []Rule{rule(jump("A"))}, want: []Fate{Undetermined}},
		{name: "a chain that is missing may return", rules: []Rule{rule(jump("A")), rule(masquerade)}, want: []Fate{Undetermined, Masqueraded}},
		{
			name:  "each outcome is told once",
			rules: []Rule{rule(jump("A")), rule(jump("A"))}, chains: map[string][]Rule{"A": {rule(maybe, masquerade), rule(maybe, do(Drop))}},
			want: []Fate{Masqueraded, Dropped, Kept},
		},
		{name: "an endless loop", rules: []Rule{rule(jump("A"))}, chains: map[string][]Rule{"A": {rule(jump("A"))}}, want: []Fate{Undetermined}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rs := Ruleset{Tables: []*Table{base(100, tt.rules, tt.chains)}}
			got := fates(rs.Walk(packet))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWalkFate(t *testing.T) {
	masquerade := do(Masquerade)
	tests := []struct {
		name  string
		rules []Rule
		want  Fate
	}{
		{"all outcomes agree", []Rule{rule(maybe, masquerade), rule(masquerade)}, Masqueraded},
		{"two fates", []Rule{rule(maybe, masquerade)}, Undetermined},
		{"one address", []Rule{rule(snat("198.51.100.1"))}, Translated},
		{"two addresses", []Rule{rule(maybe, snat("198.51.100.1")), rule(snat("198.51.100.2"))}, Undetermined},
		{"an address that cannot be told", []Rule{rule(Verdict{Action: SNAT})}, Undetermined},
		{"accept or the end", []Rule{rule(maybe, do(Accept))}, Kept},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rs := Ruleset{Tables: []*Table{base(100, tt.rules, nil)}}
			if got := rs.Walk(packet).Fate(); got != tt.want {
				t.Errorf("fate %s, want %s", got, tt.want)
			}
		})
	}
}

func snat(address string) Verdict {
	a := netip.MustParseAddr(address)
	return Verdict{Action: SNAT, To: AddressRange{a, a}}
}

func TestWalkPolicy(t *testing.T) {
	drops := base(100, nil, map[string][]Rule{"A": nil})
	drops.Chains["POSTROUTING"].Policy = Drop
	for name, tt := range map[string]struct {
		rules []Rule
		want  []Fate
	}{
		"the end":  {nil, []Fate{Dropped}},
		"return":   {[]Rule{rule(do(Return))}, []Fate{Dropped}},
		"goto":     {[]Rule{rule(goTo("A"))}, []Fate{Dropped}},
		"accept":   {[]Rule{rule(do(Accept))}, []Fate{Kept}},
		"perhaps":  {[]Rule{rule(maybe, do(Accept))}, []Fate{Dropped, Kept}},
		"snat":     {[]Rule{rule(do(Masquerade))}, []Fate{Masqueraded}},
		"no match": {[]Rule{rule(there, do(Accept))}, []Fate{Dropped}},
	} {
		drops.Chains["POSTROUTING"].Rules = tt.rules
		if diff := cmp.Diff(tt.want, fates(Ruleset{Tables: []*Table{drops}}.Walk(packet))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWalkChainThatCouldNotBeRead(t *testing.T) {
	table := base(100, []Rule{rule(there, jump("A")), rule(do(Masquerade))}, map[string][]Rule{"A": nil})
	table.Chains["A"].Err = errors.New("no")
	if got := (Ruleset{Tables: []*Table{table}}).Walk(packet).Fate(); got != Masqueraded {
		t.Errorf("a chain that is not reached: %s", got)
	}
	table.Chains["POSTROUTING"].Rules[0] = rule(jump("A"))
	result := (Ruleset{Tables: []*Table{table}}).Walk(packet)
	if result.Fate() != Undetermined || result.Outcomes[0].By.Chain != table.Chains["A"] {
		t.Errorf("a chain that is reached: %+v", result)
	}
}
