// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"net/netip"
	"testing"
)

// element maps a prefix to a verdict.
func element(prefix string, v Verdict) Element {
	p := netip.MustParsePrefix(prefix)
	return Element{Key: []Range{{From: RangeOf(p).From.AsSlice(), To: RangeOf(p).To.AsSlice()}}, Verdict: v}
}

func TestWalkVerdictMap(t *testing.T) {
	destination := []Operand{{Field: NetworkHeader, Offset: 16, Length: 4}}
	random := []Operand{{Field: Random, Length: 4, Low: 0, High: 99}}
	number := func(from, to byte, v Verdict) Element {
		return Element{Key: []Range{{From: []byte{0, 0, 0, from}, To: []byte{0, 0, 0, to}}}, Verdict: v}
	}
	masquerade, accept := do(Masquerade), do(Accept)
	tests := []struct {
		name string
		m    VerdictMap
		next Verdict // of the rule after the map
		want Fate
	}{
		{"an element", VerdictMap{Key: destination, Elements: []Element{element("10.0.0.0/8", accept), element("192.0.2.0/24", masquerade)}}, accept, Masqueraded},
		{"a jump", VerdictMap{Key: destination, Elements: []Element{element("192.0.2.0/24", jump("A"))}}, masquerade, Kept},
		{"none: the next rule", VerdictMap{Key: destination, Elements: []Element{element("10.0.0.0/8", accept)}}, masquerade, Masqueraded},
		{"none: the default", VerdictMap{Key: destination, Elements: []Element{element("10.0.0.0/8", accept)}, Default: &masquerade}, accept, Masqueraded},
		{"the default is not for an element", VerdictMap{Key: destination, Elements: []Element{element("192.0.2.0/24", accept)}, Default: &masquerade}, accept, Kept},
		{"random numbers that agree", VerdictMap{Key: random, Elements: []Element{number(47, 99, masquerade), number(0, 46, masquerade)}}, accept, Masqueraded},
		{"random numbers that do not", VerdictMap{Key: random, Elements: []Element{number(0, 46, masquerade), number(47, 99, accept)}}, accept, Undetermined},
		{"random numbers with a gap", VerdictMap{Key: random, Elements: []Element{number(0, 46, masquerade), number(48, 99, masquerade)}}, accept, Undetermined},
		{"a source that is known in part", VerdictMap{Key: []Operand{{Field: Opaque, Length: 4}}, Elements: []Element{element("0.0.0.0/1", masquerade), element("128.0.0.0/1", masquerade)}}, accept, Masqueraded},
		{"not understood", VerdictMap{Text: "x vmap @m"}, accept, Undetermined},
		{"may change", VerdictMap{Key: destination, Elements: []Element{element("192.0.2.0/24", masquerade)}, Uncertain: true}, accept, Undetermined},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rs := Ruleset{Tables: []*Table{base(100, []Rule{rule(tt.m), rule(tt.next)}, map[string][]Rule{"A": {rule(accept)}})}}
			if got := rs.Walk(packet).Fate(); got != tt.want {
				t.Errorf("fate %s, want %s", got, tt.want)
			}
		})
	}
}
