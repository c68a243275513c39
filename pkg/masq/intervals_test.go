// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

func TestFlatten(t *testing.T) {
	tests := []struct {
		name   string
		family netfilter.Family
		config config.Config
		want   string
	}{
		{
			name:   "defaults",
			config: config.Default(config.Options{}),
			want: `10.0.0.0-10.255.255.255 keep
169.254.0.0-169.254.255.255 keep
172.16.0.0-172.31.255.255 keep
192.168.0.0-192.168.255.255 keep
`,
		},
		{
			name:   "an exception, and a range kept inside it",
			config: config.Config{MasqLinkLocal: true, NonMasquerade: prefixes("10.0.0.0/8 10.9.7.0/24"), Masquerade: prefixes("10.9.0.0/16")},
			want: `10.0.0.0-10.8.255.255 keep
10.9.0.0-10.9.6.255 masquerade
10.9.7.0-10.9.7.255 keep
10.9.8.0-10.9.255.255 masquerade
10.10.0.0-10.255.255.255 keep
`,
		},
		{
			name:   "neighbors are joined",
			config: config.Config{MasqLinkLocal: true, NonMasquerade: prefixes("10.128.0.0/9 10.0.0.0/9 11.0.0.0/8 10.1.0.0/16")},
			want:   "10.0.0.0-11.255.255.255 keep\n",
		},
		{
			name:   "masquerade only one address",
			config: config.Config{NonMasquerade: prefixes("0.0.0.0/0"), Masquerade: prefixes("255.255.255.255/32")},
			want: `0.0.0.0-255.255.255.254 keep
255.255.255.255-255.255.255.255 masquerade
`,
		},
		{
			name:   "an exception that is all of link-local wins over the default",
			config: config.Config{Masquerade: prefixes("169.254.0.0/16")},
			want:   "169.254.0.0-169.254.255.255 masquerade\n",
		},
		{
			name:   "an exception around link-local does not",
			config: config.Config{Masquerade: prefixes("169.0.0.0/8")},
			want: `169.0.0.0-169.253.255.255 masquerade
169.254.0.0-169.254.255.255 keep
169.255.0.0-169.255.255.255 masquerade
`,
		},
		{
			name:   "IPv6",
			family: netfilter.IPv6,
			config: config.Config{NonMasquerade: prefixes("fd00::/8 10.0.0.0/8"), Masquerade: prefixes("fe80::1/128")},
			want: `fd00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff keep
fe80::-fe80:: keep
fe80::1-fe80::1 masquerade
fe80::2-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff keep
`,
		},
		{name: "nothing", config: config.Config{MasqLinkLocal: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got strings.Builder
			for _, i := range (Options{}).Table(tt.family, tt.config).Destinations {
				fmt.Fprintf(&got, "%s-%s %s\n", i.From, i.To, map[bool]string{true: "masquerade", false: "keep"}[i.Masquerade])
			}
			if diff := cmp.Diff(tt.want, got.String()); diff != "" {
				t.Errorf("intervals (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTableAgreesWithChain compares three answers for the destinations at and
// around every boundary of random lists: the table's intervals, the iptables
// chain of the same configuration, and a longest-prefix match that knows
// neither.
func TestTableAgreesWithChain(t *testing.T) {
	const rounds = 400
	random := rand.New(rand.NewPCG(5, 6)) // the same lists each time
	for _, family := range []netfilter.Family{netfilter.IPv4, netfilter.IPv6} {
		t.Run(family.String(), func(t *testing.T) {
			compared := 0
			for range rounds {
				c := randomConfig(random, family)
				rules := Options{}.Chain(family, c).Rules
				table := Options{}.Table(family, c)
				checkOrder(t, table.Destinations)
				checkSources(t, table.Sources)
				for _, src := range sourcesToAsk(family, c) {
					for _, dst := range boundaries(family, c) {
						rule, ok := Decide(rules, src, dst)
						want := isSource(c, src) && longest(family, c, dst)
						chain := ok && rule.Target == iptables.Masquerade
						if got := masquerades(table, src, dst); got != want || chain != want {
							t.Fatalf("%s from %s is masqueraded: table %v, chain %v, longest prefix %v; configuration %+v", dst, src, got, chain, want, c)
						}
						compared++
					}
				}
			}
			if compared < 5000 {
				t.Errorf("compared only %d destinations", compared)
			}
		})
	}
}

// masquerades returns the table's verdict on a source and a destination.
func masquerades(s nftables.Spec, src, dst netip.Addr) bool {
	if s.OnlySources && !slices.ContainsFunc(s.Sources, func(r netfilter.AddressRange) bool { return r.Contains(src) }) {
		return false
	}
	for _, i := range s.Destinations {
		if i.From.Compare(dst) <= 0 && dst.Compare(i.To) <= 0 {
			return i.Masquerade
		}
	}
	return true
}

// checkOrder fails unless the intervals are disjoint, ascending, and joined.
func checkOrder(t *testing.T, intervals []nftables.Interval) {
	t.Helper()
	for i, v := range intervals {
		if v.To.Less(v.From) {
			t.Fatalf("interval %v ends before it begins", v)
		}
		if i == 0 {
			continue
		}
		before := intervals[i-1]
		if !before.To.Less(v.From) {
			t.Fatalf("intervals %v and %v overlap or are in the wrong order", before, v)
		}
		if before.To.Next() == v.From && before.Masquerade == v.Masquerade {
			t.Fatalf("intervals %v and %v are not joined", before, v)
		}
	}
}

// checkSources fails unless the ranges are disjoint, ascending, and joined.
func checkSources(t *testing.T, ranges []netfilter.AddressRange) {
	t.Helper()
	for i, r := range ranges {
		if r.To.Less(r.From) || i > 0 && (!ranges[i-1].To.Less(r.From) || ranges[i-1].To.Next() == r.From) {
			t.Fatalf("source ranges %v are not disjoint, in order and joined", ranges)
		}
	}
}

// TestFlattenLarge flattens 60,000 ranges, alternating between the lists, in
// nested prefixes: the work must not grow with the square of their number.
func TestFlattenLarge(t *testing.T) {
	var c config.Config
	for i := range 30000 {
		a := netip.AddrFrom4([4]byte{byte(20 + i>>14), byte(i >> 6), byte(i << 2), 0})
		c.NonMasquerade = append(c.NonMasquerade, netip.PrefixFrom(a, 22).Masked())
		c.Masquerade = append(c.Masquerade, netip.PrefixFrom(a, 25))
	}
	got := Options{}.Table(netfilter.IPv4, c)
	if len(got.Destinations) != 60001 { // and link-local
		t.Errorf("%d intervals, want 60001", len(got.Destinations))
	}
	checkOrder(t, got.Destinations)
}
