// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"net/netip"
	"slices"
	"sort"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/netfilter"
)

// verdict is the decision about one range of destinations.
type verdict struct {
	destination netip.Prefix
	masquerade  bool
}

// verdicts returns the ranges of a family in the order of their rules. The first
// matching rule of a chain decides, and the longest prefix must decide. Therefore,
// if there are exceptions, the most specific range comes first. Without exceptions
// all ranges have the same verdict, and keep the order of the file.
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
	// For equal prefixes an explicit exception overrides the link-local default.
	return mostSpecificFirst(except, local, keep)
}

// linkLocal returns the link-local range of the family (RFC 3927, RFC 4291 section
// 2.5.6), and none if the file says that it is masqueraded.
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

// ranges returns the ranges of a list that are of the family.
func ranges(f netfilter.Family, list []netip.Prefix, masquerade bool) []verdict {
	var out []verdict
	for _, p := range ofFamily(f, list) {
		out = append(out, verdict{destination: p, masquerade: masquerade})
	}
	return out
}

// ofFamily returns the prefixes of a list that are of a family, in their order.
func ofFamily(f netfilter.Family, list []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range list {
		if netfilter.FamilyOf(p.Addr()) == f {
			out = append(out, p)
		}
	}
	return out
}

func covers(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// mostSpecificFirst sorts by prefix length. It keeps the order of equal lengths,
// where no two ranges overlap.
func mostSpecificFirst(lists ...[]verdict) []verdict {
	out := slices.Concat(lists...)
	sort.SliceStable(out, func(i, j int) bool { return out[i].destination.Bits() > out[j].destination.Bits() })
	return out
}
