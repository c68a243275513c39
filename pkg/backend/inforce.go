// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package backend

import (
	"context"
	"slices"

	"ip-masq-agent/pkg/netfilter"
)

// InForce returns the backend that has the agent's rules in force: the chain with
// a jump rule to it, or the table of the backend nftables. It returns an empty Name
// if no backend has them, or more than one.
func InForce(ctx context.Context, chain string) Name {
	found, _ := Leftovers(ctx, "", chain) // a backend that cannot be read has none
	var in Name
	for _, l := range found {
		switch {
		case l.Chain != "" && l.Chain != chain, !l.Reached:
		case in == "" || in == l.Backend:
			in = l.Backend
		default:
			return ""
		}
	}
	return in
}

// HasIPv6Rules reports whether a backend has the agent's chain or table for IPv6. An
// empty backend means any.
func HasIPv6Rules(ctx context.Context, b Name, chain string) bool {
	found, _ := Leftovers(ctx, "", chain)
	return slices.ContainsFunc(found, func(l Leftover) bool {
		return l.Family == netfilter.IPv6 && (b == "" || b == l.Backend) && (l.Chain == "" || l.Chain == chain)
	})
}
