// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package rules

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// differ describes the difference between a table and a chain. It expects the
// base chain of the documentation, and no other objects in the table.
func (t *table) differ(want []chainRule, family string) string {
	switch b := t.base; {
	case b == nil:
		return "the table has no base chain"
	case b.Type != "nat" || b.Hook != "postrouting" || b.Prio != 105 || b.Policy != "accept":
		return fmt.Sprintf("the base chain has type %s, hook %s, priority %d, policy %s", b.Type, b.Hook, b.Prio, b.Policy)
	}
	if what := t.unused(); what != "" {
		return "nothing refers to " + what
	}
	for _, p := range packets(want, t, family) {
		got, err := t.outcomesOf(p)
		if err != nil {
			return err.Error()
		}
		if want := outcomesOf(want, p); !want.equal(got) {
			return fmt.Sprintf("%v: want %v, got %v", p, want, got)
		}
	}
	return ""
}

// equal compares probabilities with the precision of iptables, 2^-31.
func (o outcomes) equal(other outcomes) bool {
	for outcome := range o {
		if math.Abs(o[outcome]-other[outcome]) > 1e-8 {
			return false
		}
	}
	for outcome := range other {
		if math.Abs(o[outcome]-other[outcome]) > 1e-8 {
			return false
		}
	}
	return true
}

// packets returns packets to test with: for each protocol, to and from the
// boundaries of all CIDRs, and one to the node itself.
func packets(chain []chainRule, t *table, family string) []packet {
	anyone := netip.MustParseAddr("203.0.113.254")
	if family == "ip6" {
		anyone = netip.MustParseAddr("2001:db8:ffff::fffe")
	}
	sources, destinations := rangesOf(chain)
	if len(sources) > 0 {
		sources = append(sources, t.ranges()...)
	}
	out := []packet{{source: anyone, destination: anyone, protocol: "tcp", local: true}}
	for _, s := range append(boundaries(sources, anyone.Is4()), anyone) {
		for _, d := range append(boundaries(append(destinations, t.ranges()...), anyone.Is4()), anyone) {
			for _, protocol := range []string{"tcp", "udp", "sctp", "icmp"} {
				out = append(out, packet{source: s, destination: d, protocol: protocol})
			}
		}
	}
	return out
}

// boundaries returns the first and the last address of each range, and the two
// addresses next to them.
func boundaries(ranges []netipx.IPRange, is4 bool) []netip.Addr {
	found := map[netip.Addr]bool{}
	for _, r := range ranges {
		for _, a := range []netip.Addr{r.From().Prev(), r.From(), r.To(), r.To().Next()} {
			if a.IsValid() && a.Is4() == is4 {
				found[a] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(found), netip.Addr.Compare)
}
