// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/netfilter"
)

// matchedSources returns the sources that the masquerade rules of a family match.
// The zero Prefix is any source, as without sourceCIDRs. There are none if all
// ranges of sourceCIDRs are of the other family: then nothing of this family is
// masqueraded.
func matchedSources(f netfilter.Family, c config.Config) []netip.Prefix {
	if len(c.Source) == 0 {
		return []netip.Prefix{{}}
	}
	return Sources(f, c)
}

// Sources returns the ranges of sourceCIDRs that are of a family, in the order of
// the file.
func Sources(f netfilter.Family, c config.Config) []netip.Prefix { return ofFamily(f, c.Source) }

// MasqueradesNothing reports whether no traffic of a family is masqueraded,
// because sourceCIDRs has ranges and none of them is of the family.
func MasqueradesNothing(f netfilter.Family, c config.Config) bool {
	return len(matchedSources(f, c)) == 0
}

// OutsideSources returns a part of a range that no range of sourceCIDRs covers,
// so that its traffic keeps its address. It is as large as possible. OutsideSources
// returns false if all of the range is covered.
func OutsideSources(c config.Config, within netip.Prefix) (netip.Prefix, bool) {
	if len(c.Source) == 0 {
		return netip.Prefix{}, false
	}
	within = within.Masked()
	var b netipx.IPSetBuilder
	b.AddPrefix(within)
	for _, p := range c.Source {
		b.RemovePrefix(p)
	}
	set, _ := b.IPSet() // built of valid prefixes
	parts := set.Prefixes()
	if len(parts) == 0 {
		return netip.Prefix{}, false
	}
	return slices.MinFunc(parts, func(a, b netip.Prefix) int { return a.Bits() - b.Bits() }), true
}

// joined returns ranges as disjoint ones in ascending order, neighbors joined.
func joined(ranges []netip.Prefix) []netfilter.AddressRange {
	var b netipx.IPSetBuilder
	for _, p := range ranges {
		b.AddPrefix(p)
	}
	set, _ := b.IPSet() // built of valid prefixes
	var out []netfilter.AddressRange
	for _, r := range set.Ranges() {
		out = append(out, netfilter.AddressRange{From: r.From(), To: r.To()})
	}
	return out
}
