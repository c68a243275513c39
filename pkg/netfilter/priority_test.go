// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWalkByPriority(t *testing.T) {
	accept, masquerade := []Rule{rule(do(Accept))}, []Rule{rule(do(Masquerade))}
	inet := base(105, masquerade, nil)
	inet.Family, inet.Name = "inet", "firewalld"
	dormant := base(50, masquerade, nil)
	dormant.Dormant = true
	other := base(50, masquerade, nil)
	other.Family = "ip6"
	dropping := base(50, nil, nil)
	dropping.Chains["POSTROUTING"].Policy = Drop
	tests := []struct {
		name   string
		tables []*Table
		want   []Fate
	}{
		{"no table", nil, []Fate{Kept}},
		{"accept ends only its own base chain", []*Table{base(100, accept, nil), base(105, masquerade, nil)}, []Fate{Masqueraded}},
		{"the order is that of priorities", []*Table{base(105, []Rule{rule(snat("198.51.100.1"))}, nil), base(-5, masquerade, nil)}, []Fate{Masqueraded}},
		{"the first translation wins", []*Table{base(99, masquerade, nil), base(100, []Rule{rule(do(Drop))}, nil)}, []Fate{Masqueraded}},
		{"an inet table", []*Table{base(100, accept, nil), inet}, []Fate{Masqueraded}},
		{"a dormant table", []*Table{dormant}, []Fate{Kept}},
		{"another family", []*Table{other}, []Fate{Kept}},
		{"a target that may accept", []*Table{base(50, []Rule{rule(Verdict{Action: Other}), rule(do(Drop))}, nil), base(100, masquerade, nil)}, []Fate{Undetermined, Dropped, Masqueraded}},
		{"a policy of drop ends the packet", []*Table{dropping, base(100, masquerade, nil)}, []Fate{Dropped}},
		{"a mark set in one chain is seen in the next", []*Table{
			base(10, []Rule{rule(SetMark{Operand{Field: Constant, Length: 4, Constant: []byte{0, 0, 0, 7}}})}, nil),
			base(20, []Rule{rule(markIs(0, 0, 0, 7), do(Masquerade))}, nil),
		}, []Fate{Masqueraded}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, fates(Ruleset{Tables: tt.tables}.Walk(packet))); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWalkEqualPriority: the one registered later runs first, and the kernel
// does not tell which one that is.
func TestWalkEqualPriority(t *testing.T) {
	accept, masquerade := []Rule{rule(do(Accept))}, []Rule{rule(do(Masquerade))}
	mark := []Rule{rule(SetMark{Operand{Field: Constant, Length: 4, Constant: []byte{0, 0, 0, 7}}})}
	kube := []Rule{rule(SetMark{Operand{Field: Constant, Length: 4, Constant: []byte{0, 0, 0x40, 0}}})}
	tests := []struct {
		name string
		a, b []Rule
		want Fate
	}{
		{"both keep", accept, nil, Kept},
		{"one masquerades, in either order", accept, masquerade, Masqueraded},
		{"one masquerades, in the other order", masquerade, accept, Masqueraded},
		{"both masquerade", masquerade, masquerade, Masqueraded},
		{"two translations", masquerade, []Rule{rule(snat("198.51.100.1"))}, Undetermined},
		{"a translation and a drop", masquerade, []Rule{rule(do(Drop))}, Undetermined},
		{"one sets the mark that the other asks for", mark, []Rule{rule(markIs(0, 0, 0, 7), do(Masquerade))}, Undetermined},
		{"one sets a mark that was absent", kube, []Rule{rule(markMasked([]byte{0, 0, 0x40, 0}, []byte{0, 0, 0x40, 0}), do(Masquerade))}, Undetermined},
		{"one sets a mark and drops", append(slices.Clone(kube), rule(do(Drop))), accept, Dropped},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rs := Ruleset{Tables: []*Table{base(100, tt.a, nil), base(100, tt.b, nil)}}
			if got := rs.Walk(packet).Fate(); got != tt.want {
				t.Errorf("fate %s, want %s", got, tt.want)
			}
		})
	}
	marked := []Rule{rule(markMasked([]byte{0, 0, 0x40, 0}, []byte{0, 0, 0x40, 0}), do(Masquerade))}
	rs := Ruleset{Tables: []*Table{base(100, kube, nil), base(100, marked, nil)}}
	if diff := cmp.Diff([]Fate{Masqueraded, Undetermined}, fates(rs.Walk(packet))); diff != "" {
		t.Errorf("the outcomes with a mark (-want +got):\n%s", diff)
	}
}
