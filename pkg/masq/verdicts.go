// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"net/netip"
	"slices"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/netfilter"
)

// verdict is what a configuration says of one range of destinations.
type verdict struct {
	destination netip.Prefix
	masquerade  bool
}

// verdicts returns a family's ranges in the order of their rules. A chain goes
// by its first match, and the longest prefix is to decide; so, as soon as there
// are exceptions, the most specific range comes first. Without them all ranges
// have one verdict, and stay as the file has them.
func verdicts(f netfilter.Family, c config.Config) []verdict {
	local := linkLocal(f, c)
	keep := ranges(f, c.NonMasquerade, false)
	except := ranges(f, c.Masquerade, true)
	inside := func(e verdict) bool {
		return len(local) > 0 && covers(local[0].destination, e.destination)
	}
	switch {
	case len(except) == 0:
		return slices.Concat(local, keep)
	case !slices.ContainsFunc(except, inside):
		return slices.Concat(local, mostSpecificFirst(except, keep))
	}
	// Exceptions stand before link-local, should they name that very range: a
	// word of the file weighs more than a default.
	return mostSpecificFirst(except, local, keep)
}

// linkLocal returns the family's link-local range (RFC 3927, RFC 4291 section
// 2.5.6), none if the file says that it is masqueraded like any other.
func linkLocal(f netfilter.Family, c config.Config) []verdict {
	p, masqueraded := netip.MustParsePrefix("169.254.0.0/16"), c.MasqLinkLocal
	if f == netfilter.IPv6 {
		p, masqueraded = netip.MustParsePrefix("fe80::/10"), c.MasqLinkLocalIPv6
	}
	if masqueraded {
		return nil
	}
	return []verdict{{destination: p}}
}

// ranges returns those of a list that are of the family.
func ranges(f netfilter.Family, list []netip.Prefix, masquerade bool) []verdict {
	var out []verdict
	for _, p := range list {
		if p.Addr().Is4() == (f == netfilter.IPv4) {
			out = append(out, verdict{destination: p, masquerade: masquerade})
		}
	}
	return out
}

func covers(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// mostSpecificFirst is stable within one length, where no two ranges overlap.
func mostSpecificFirst(lists ...[]verdict) []verdict {
	out := slices.Concat(lists...)
	slices.SortStableFunc(out, func(a, b verdict) int { return b.destination.Bits() - a.destination.Bits() })
	return out
}
