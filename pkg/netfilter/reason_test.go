// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// named makes a rule with a text.
func named(text string, steps ...Step) Rule { return Rule{Text: text, Steps: steps} }

// TestReasons: outcomes and exits name their rule, the rules that lead to it,
// and the conditions that cannot be judged.
func TestReasons(t *testing.T) {
	masquerade, accept := do(Masquerade), do(Accept)
	destination := []Operand{{Field: NetworkHeader, Offset: 16, Length: 4}}
	mark := []Operand{{Field: Mark, Offset: 3, Length: 1}}
	number := func(from, to byte, v Verdict) Element {
		return Element{Key: []Range{{From: []byte{from}, To: []byte{to}}}, Verdict: v}
	}
	m1, m2, m3 := NotUnderstood("m1"), NotUnderstood("m2"), NotUnderstood("m3")
	tests := []struct {
		name   string
		rules  []Rule
		chains map[string][]Rule
		want   []string
	}{
		{
			name:  "accept ends the base chain",
			rules: []Rule{named("jump", jump("A"))}, chains: map[string][]Rule{"A": {named("accept", accept)}},
			want: []string{"keep", "exit certain=true ends=true accept via jump"},
		},
		{
			name:  "a return behind a goto ends the base chain",
			rules: []Rule{named("goto", goTo("A"))}, chains: map[string][]Rule{"A": {named("return", do(Return))}},
			want: []string{"keep", "exit certain=true ends=true return via goto"},
		},
		{
			name:  "a return behind a jump and a goto does not",
			rules: []Rule{named("jump", jump("A"))}, chains: map[string][]Rule{"A": {named("goto", goTo("B"))}, "B": {named("return", do(Return))}},
			want: []string{"keep", "exit certain=true ends=false return via jump via goto"},
		},
		{
			name:  "a return behind a goto and a jump does not",
			rules: []Rule{named("goto", goTo("A"))}, chains: map[string][]Rule{"A": {named("jump", jump("B"))}, "B": {named("return", do(Return))}},
			want: []string{"keep", "exit certain=true ends=false return via goto via jump"},
		},
		{
			name:  "an element that surely decides",
			rules: []Rule{named("map", VerdictMap{Key: destination, Elements: []Element{element("192.0.2.0/24", masquerade)}, Text: "vmap"})},
			want:  []string{"masquerade map"},
		},
		{
			name:  "a default that surely decides",
			rules: []Rule{named("map", VerdictMap{Key: destination, Default: &masquerade, Text: "vmap"})},
			want:  []string{"masquerade map"},
		},
		{
			name:  "elements that agree",
			rules: []Rule{named("map", VerdictMap{Key: mark, Elements: []Element{number(0, 9, masquerade), number(10, 255, masquerade)}, Text: "vmap"})},
			want:  []string{"masquerade map"},
		},
		{
			name:  "elements that do not agree",
			rules: []Rule{named("map", VerdictMap{Key: mark, Elements: []Element{number(0, 9, masquerade), number(10, 255, accept)}, Text: "vmap"})},
			want:  []string{"masquerade map, vmap: mark", "keep", "exit certain=false ends=true map, vmap: mark"},
		},
		{
			name:  "an element or none",
			rules: []Rule{named("map", VerdictMap{Key: mark, Elements: []Element{number(0, 9, masquerade)}, Text: "vmap"})},
			want:  []string{"masquerade map, vmap: mark", "keep"},
		},
		{
			name:  "an element or the default",
			rules: []Rule{named("map", VerdictMap{Key: mark, Elements: []Element{number(0, 9, masquerade)}, Default: &accept, Text: "vmap"})},
			want:  []string{"masquerade map, vmap: mark", "keep", "exit certain=false ends=true map, vmap: mark"},
		},
		{
			name:  "no element",
			rules: []Rule{named("map", VerdictMap{Key: mark, Text: "vmap"}), named("masquerade", masquerade)},
			want:  []string{"masquerade masquerade"},
		},
		{
			name:  "each rule has its own doubts",
			rules: []Rule{named("jump", m1, m2, m3, jump("A"))}, chains: map[string][]Rule{"A": {named("a", NotUnderstood("ma"), masquerade), named("b", NotUnderstood("mb"), do(Drop))}},
			want: []string{
				"masquerade a via jump, m1: condition, m2: condition, m3: condition, ma: condition",
				"drop b via jump, m1: condition, m2: condition, m3: condition, mb: condition",
				"keep",
			},
		},
		{
			name:  "each rule has its own way",
			rules: []Rule{named("1", jump("A"))},
			chains: map[string][]Rule{
				"A": {named("2", jump("B"))}, "B": {named("3", jump("C"))}, "C": {named("4", maybe, jump("D")), named("5", jump("E"))},
				"D": {named("d", masquerade)}, "E": {named("e", do(Drop))},
			},
			want: []string{"masquerade d via 1 via 2 via 3 via 4, -m thing: condition", "drop e via 1 via 2 via 3 via 5"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rs := Ruleset{Tables: []*Table{base(100, tt.rules, tt.chains)}}
			if diff := cmp.Diff(tt.want, describe(rs.Walk(packet))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhatIsNotKnown asks why each condition cannot be judged.
func TestWhatIsNotKnown(t *testing.T) {
	header := func(offset, length int) []Operand {
		return []Operand{{Field: NetworkHeader, Offset: offset, Length: length}}
	}
	bare, bare6 := Packet{Destination: packet.Destination}, Packet{Destination: packet6.Destination}
	tests := []struct {
		packet Packet
		key    []Operand
		want   Unknown
	}{
		{bare, []Operand{{Field: Mark, Length: 4}}, OnMark},
		{bare, []Operand{{Field: L4Proto, Length: 1}}, OnProtocol},
		{bare, []Operand{{Field: OutName, Length: 16}}, OnInterface},
		{bare, []Operand{{Field: OutIndex, Length: 4}}, OnInterface},
		{bare, []Operand{{Field: DestinationType, Length: 4}}, OnType},
		{bare, []Operand{{Field: SourceType, Length: 4}}, OnType},
		{bare, []Operand{{Field: Random, Length: 4, High: 9}}, OnChance},
		{bare, []Operand{{Field: Constant, Constant: []byte{1}, Length: 1}, {Field: Random, Length: 4, High: 9}}, OnChance},
		{bare, []Operand{{Field: Opaque, Length: 1}}, NotKnown},
		{bare, []Operand{{Field: Constant, Constant: []byte{1}, Length: 2}}, NotKnown},
		{bare, []Operand{{Field: NetworkHeader, Offset: 16, Length: 4}, {Field: Mark, Length: 4}}, OnMark},
		{bare, []Operand{{Field: L4Proto, Length: 1}, {Field: Mark, Length: 4}}, OnProtocol},
		{bare, []Operand{{Field: NetworkHeader, Offset: 16, Length: 4}}, NotKnown}, // all of it is known
		{bare, header(9, 1), OnProtocol},
		{bare, header(9, 2), OnHeader},
		{bare, header(8, 1), OnHeader},
		{bare, header(12, 4), OnSource},
		{bare, header(12, 2), OnSource},
		{bare, header(15, 1), OnSource},
		{bare, header(11, 1), OnHeader},
		{bare, header(11, 2), OnHeader},
		{bare, header(15, 2), OnHeader},
		{bare, header(20, 1), OnHeader},
		{bare6, header(8, 16), OnSource},
		{bare6, header(9, 1), OnSource},
		{bare6, header(7, 1), OnHeader},
		{bare6, header(23, 2), OnHeader},
	}
	for _, tt := range tests {
		if got := (Condition{Key: tt.key}).doubt(newState(tt.packet)); got != tt.want {
			t.Errorf("%+v of a packet to %s: %q, want %q", tt.key, tt.packet.Destination, got, tt.want)
		}
	}
}
