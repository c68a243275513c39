// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"net/netip"
	"slices"
	"sort"

	"go4.org/netipx"

	"ip-masq-agent/pkg/nftables"
)

// flatten returns the verdicts as disjoint intervals in ascending order, and
// joins adjacent intervals of the same verdict. The longest prefix decides; of
// equal prefixes, the first in all.
//
// An nftables set rejects overlapping intervals, and has no longest-prefix match.
// The IPSetBuilder of netipx applies additions and removals in the order of the
// calls. Applied from the shortest to the longest prefix, they implement the
// longest-prefix match. The prefixes of one length are applied together, because
// IPSetBuilder sorts everything whenever an addition follows a removal.
func flatten(all []verdict) []nftables.Interval {
	var keep, masquerade netipx.IPSetBuilder
	for _, length := range byLength(all) {
		for _, v := range length {
			if v.masquerade {
				masquerade.AddPrefix(v.destination)
			} else {
				keep.AddPrefix(v.destination)
			}
		}
		for _, v := range length {
			if v.masquerade {
				keep.RemovePrefix(v.destination)
			} else {
				masquerade.RemovePrefix(v.destination)
			}
		}
	}
	out := append(intervals(&keep, false), intervals(&masquerade, true)...)
	sort.Slice(out, func(i, j int) bool { return out[i].From.Less(out[j].From) })
	return out
}

// byLength groups the verdicts by prefix length, shortest first. It drops repeated
// prefixes.
func byLength(all []verdict) [][]verdict {
	lengths := make([][]verdict, 129) // an IPv6 prefix has 0 to 128 bits
	seen := map[netip.Prefix]bool{}
	for _, v := range all {
		if bits := v.destination.Bits(); !seen[v.destination] {
			seen[v.destination] = true
			lengths[bits] = append(lengths[bits], v)
		}
	}
	return slices.DeleteFunc(lengths, func(l []verdict) bool { return len(l) == 0 })
}

// intervals returns the intervals of a set. The set has no error, because it was
// built from valid prefixes.
func intervals(b *netipx.IPSetBuilder, masquerade bool) []nftables.Interval {
	set, _ := b.IPSet()
	var out []nftables.Interval
	for _, r := range set.Ranges() {
		out = append(out, nftables.Interval{From: r.From(), To: r.To(), Masquerade: masquerade})
	}
	return out
}
