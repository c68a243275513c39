// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/netfilter"
)

func TestMasqueraded(t *testing.T) {
	tests := []struct {
		keep, except []netip.Prefix
		within, want string // "" for none
	}{
		{keep: prefixes("10.0.0.0/8"), within: "10.4.0.0/14"},
		{keep: prefixes("10.0.0.0/8"), within: "10.0.0.0/8"},
		{keep: prefixes("10.0.0.0/9 10.128.0.0/9"), within: "10.0.0.0/8"}, // together
		{keep: prefixes("10.0.0.0/9"), within: "10.0.0.0/8", want: "10.128.0.0/9"},
		{keep: prefixes("10.0.0.0/9"), within: "10.1.2.3/8", want: "10.128.0.0/9"}, // host bits
		{keep: prefixes("10.0.0.0/8"), within: "192.168.0.0/16", want: "192.168.0.0/16"},
		{keep: prefixes("10.0.0.0/8"), except: prefixes("10.5.0.0/24"), within: "10.4.0.0/14", want: "10.5.0.0/24"},
		{keep: prefixes("10.0.0.0/8"), except: prefixes("10.5.0.0/24"), within: "10.8.0.0/14"},
		{keep: prefixes("10.0.0.0/8 10.5.0.0/24"), except: prefixes("10.5.0.0/16"), within: "10.5.0.0/24"},
		{keep: prefixes("0.0.0.0/0"), within: "0.0.0.0/0"},
		{keep: prefixes("fd00::/8"), within: "fd00:1::/48"},
		{keep: prefixes("fd00::/9"), within: "fd00::/8", want: "fd80::/9"},
	}
	for _, tt := range tests {
		got := ""
		if part, _, found := Masqueraded(config.Config{NonMasquerade: tt.keep, Masquerade: tt.except}, netip.MustParsePrefix(tt.within)); found {
			got = part.String()
		}
		if got != tt.want {
			t.Errorf("of %s with %v and %v: %q, want %q", tt.within, tt.keep, tt.except, got, tt.want)
		}
	}
}

// TestRedundantChangesNothing takes each range that is called redundant out of
// random configurations, and each that is not: only the latter changes a
// verdict, at one of the boundaries.
func TestRedundantChangesNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4)) // the same lists each time
	for _, family := range []netfilter.Family{netfilter.IPv4, netfilter.IPv6} {
		called := 0
		for range 300 {
			c := randomConfig(random, family)
			redundant := FindRedundant(c)
			called += len(redundant)
			for _, r := range redundant {
				without := c
				if r.Source {
					without.Source = remove(c.Source, r.Range)
					for _, src := range sourcesToAsk(family, c) {
						if a, b := isSource(c, src), isSource(without, src); a != b {
							t.Fatalf("without %s the verdict on source %s goes from %v to %v, with %+v", r.Range, src, a, b, c)
						}
					}
					continue
				}
				without.NonMasquerade, without.Masquerade = remove(c.NonMasquerade, r.Range), remove(c.Masquerade, r.Range)
				for _, dst := range boundaries(family, c) {
					if a, b := longest(family, c, dst), longest(family, without, dst); a != b {
						t.Fatalf("without %s the verdict on %s goes from %v to %v, with %+v", r.Range, dst, a, b, c)
					}
				}
			}
		}
		if called < 100 {
			t.Errorf("%s: only %d ranges were called redundant", family, called)
		}
	}
}

func TestOutsideSources(t *testing.T) {
	tests := []struct{ sources, within, want string }{
		{"", "10.0.0.0/8", ""},
		{"10.0.0.0/8", "10.4.0.0/14", ""},
		{"10.4.0.0/15 10.6.0.0/15", "10.4.0.0/14", ""}, // together
		{"10.4.0.0/15", "10.4.0.0/14", "10.6.0.0/15"},
		{"10.4.0.0/15", "10.5.1.2/14", "10.6.0.0/15"}, // host bits
		{"10.5.1.0/24", "10.4.0.0/14", "10.6.0.0/15"},
		{"10.0.0.0/8", "192.168.0.0/16", "192.168.0.0/16"},
		{"10.0.0.0/8", "fd00::/48", "fd00::/48"},
		{"fd00::/49", "fd00::/48", "fd00:0:0:8000::/49"},
	}
	for _, tt := range tests {
		got := ""
		if part, found := OutsideSources(config.Config{Source: prefixes(tt.sources)}, netip.MustParsePrefix(tt.within)); found {
			got = part.String()
		}
		if got != tt.want {
			t.Errorf("of %s with sources %q: %q, want %q", tt.within, tt.sources, got, tt.want)
		}
	}
}

// TestMasqueradedWithSources: the destinations are the same for all sources, and
// nothing is masqueraded in a family that has none.
func TestMasqueradedWithSources(t *testing.T) {
	c := config.Config{NonMasquerade: prefixes("10.0.0.0/9 fd00::/9"), Source: prefixes("10.244.0.0/16")}
	if part, rule, found := Masqueraded(c, netip.MustParsePrefix("10.0.0.0/8")); !found || part != netip.MustParsePrefix("10.128.0.0/9") || rule.Source.IsValid() {
		t.Errorf("IPv4: %s, %s, %v", part, rule, found)
	}
	if part, _, found := Masqueraded(c, netip.MustParsePrefix("fd00::/8")); found || !MasqueradesNothing(netfilter.IPv6, c) || MasqueradesNothing(netfilter.IPv4, c) {
		t.Errorf("IPv6: %s, %v", part, found)
	}
}

func remove(list []netip.Prefix, p netip.Prefix) []netip.Prefix {
	return slices.DeleteFunc(slices.Clone(list), func(o netip.Prefix) bool { return o == p })
}

func TestFindRedundant(t *testing.T) {
	p := netip.MustParsePrefix
	tests := []struct {
		name         string
		keep, except []netip.Prefix
		source       []netip.Prefix
		want         []Redundant
	}{
		{name: "none", keep: prefixes("10.0.0.0/8 11.0.0.0/8 fd00::/8")},
		{name: "inside", keep: prefixes("10.1.0.0/16 10.0.0.0/8"), want: []Redundant{{Range: p("10.1.0.0/16"), By: p("10.0.0.0/8")}}},
		{name: "an exception between", keep: prefixes("10.0.0.0/8 10.1.1.0/24"), except: prefixes("10.1.0.0/16")},
		{name: "an exception to nothing", keep: prefixes("10.0.0.0/8"), except: prefixes("11.0.0.0/8"), want: []Redundant{{Range: p("11.0.0.0/8"), Masquerade: true}}},
		{name: "sources apart", source: prefixes("10.1.0.0/16 10.2.0.0/16 fd00::/64"), keep: prefixes("10.1.0.0/16 10.2.0.0/16")},
		{name: "sources inside others", source: prefixes("10.1.1.0/24 10.0.0.0/8 10.1.0.0/16 fd00::/64 fd00::/48"), want: []Redundant{
			{Range: p("10.1.1.0/24"), Source: true, By: p("10.1.0.0/16")}, {Range: p("10.1.0.0/16"), Source: true, By: p("10.0.0.0/8")},
			{Range: p("fd00::/64"), Source: true, By: p("fd00::/48")}}},
		{name: "link-local", keep: prefixes("169.254.0.0/16 fe80::/64"),
			want: []Redundant{{Range: p("169.254.0.0/16"), By: p("169.254.0.0/16"), LinkLocal: true}, {Range: p("fe80::/64"), By: p("fe80::/10"), LinkLocal: true}}},
		{name: "an exception in link-local", except: prefixes("169.254.169.254/32")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := FindRedundant(config.Config{NonMasquerade: tt.keep, Masquerade: tt.except, Source: tt.source})
			if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
