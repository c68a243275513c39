// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"slices"
	"testing"
)

// markIs is the condition that the mark is a number.
func markIs(b ...byte) Condition { return markMasked(nil, b) }

// markMasked is the condition that mark & mask is a number.
func markMasked(mask, b []byte) Condition {
	return Condition{
		Key:      []Operand{{Field: Mark, Length: 4, Mask: mask}},
		Elements: []Element{{Key: []Range{{From: b, To: b}}}},
		Text:     "meta mark",
	}
}

func negated(c Condition) Condition {
	c.Negated = true
	return c
}

func TestWalkMark(t *testing.T) {
	kube, tailscale := []byte{0, 0, 0x40, 0}, []byte{0, 4, 0, 0}
	set := func(o Operand) Step {
		o.Length = 4
		return SetMark{o}
	}
	masquerade := do(Masquerade)
	tests := []struct {
		name  string
		rules []Rule
		want  Fate
	}{
		{"kube-proxy's mark is absent", []Rule{rule(markMasked(kube, kube), masquerade)}, Kept},
		{"kube-proxy's rules", []Rule{rule(negated(markMasked(kube, kube)), do(Return)), rule(masquerade)}, Kept},
		{"any other mark cannot be told", []Rule{rule(markMasked(tailscale, tailscale), masquerade)}, Undetermined},
		{"a mark with kube-proxy's bit cannot be", []Rule{rule(markIs(0, 0, 0x40, 1), masquerade)}, Kept},
		{"a mark that was set", []Rule{rule(set(Operand{Field: Constant, Constant: tailscale})), rule(markIs(tailscale...), masquerade)}, Masqueraded},
		{"bits that were set", []Rule{rule(set(Operand{Field: Mark, Mask: []byte{0xff, 0xfb, 0xff, 0xff}, Xor: tailscale})), rule(markMasked(tailscale, tailscale), masquerade)}, Masqueraded},
		{"an unknown mark was set", []Rule{rule(set(Operand{})), rule(markMasked(kube, kube), masquerade)}, Undetermined},
		{"perhaps set", []Rule{rule(maybe, set(Operand{Field: Constant, Constant: kube})), rule(markMasked(kube, kube), masquerade)}, Undetermined},
		{"xor of what is absent", []Rule{rule(set(Operand{Field: Mark, Xor: kube})), rule(markMasked(kube, kube), masquerade)}, Masqueraded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rs := Ruleset{Tables: []*Table{base(100, tt.rules, nil)}}
			if got := rs.Walk(packet).Fate(); got != tt.want {
				t.Errorf("fate %s, want %s", got, tt.want)
			}
			if !slices.Equal(kube, []byte{0, 0, 0x40, 0}) {
				t.Fatal("the walk changed a rule")
			}
		})
	}
}

// TestWalkRewrite: a rule that writes to the header makes what it wrote unknown,
// and with an address what the routing table says of it.
func TestWalkRewrite(t *testing.T) {
	unicast := Condition{
		Key:      []Operand{{Field: DestinationType, Length: 4}},
		Elements: []Element{{Key: []Range{{From: []byte{0, 0, 0, 1}, To: []byte{0, 0, 0, 1}}}}},
	}
	tests := []struct {
		name  string
		rules []Rule
		want  Fate
	}{
		{"a field that nobody asks for", []Rule{rule(Rewrite{1, 1}), rule(here, do(Masquerade))}, Masqueraded},
		{"the destination", []Rule{rule(Rewrite{16, 4}), rule(here, do(Masquerade))}, Undetermined},
		{"the destination's type", []Rule{rule(Rewrite{16, 4}), rule(unicast, do(Masquerade))}, Undetermined},
		{"the source is not kept", []Rule{rule(Rewrite{12, 4})}, Undetermined},
		{"the source is translated", []Rule{rule(Rewrite{12, 4}), rule(do(Masquerade))}, Masqueraded},
		{"perhaps the source", []Rule{rule(maybe, Rewrite{14, 2})}, Undetermined},
		{"a rule that does not match", []Rule{rule(there, Rewrite{12, 4})}, Kept},
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
