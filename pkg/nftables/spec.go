// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"net/netip"

	"ip-masq-agent/pkg/netfilter"
)

// TableName is the name of the agent's table, in each family.
const TableName = "ip-masq-agent"

// Spec describes what the agent's table of one family does.
type Spec struct {
	Family netfilter.Family
	// Destinations are disjoint and in ascending order. A destination outside
	// of all of them is masqueraded.
	Destinations []Interval
	// OnlySources restricts masquerading to connections from Sources, which are
	// disjoint and in ascending order. With OnlySources and no Sources nothing is
	// masqueraded.
	OnlySources bool
	Sources     []netfilter.AddressRange
	RandomFully bool // masquerade with NF_NAT_RANGE_PROTO_RANDOM_FULLY
	// ToPorts are the source ports that TCP, UDP and SCTP connections get, each
	// range in proportion to its size. None leaves the ports to the kernel.
	ToPorts []netfilter.PortRange
}

// Interval is a range of destinations, both ends included, with one verdict.
type Interval struct {
	From, To   netip.Addr
	Masquerade bool // else the source address is kept
}

// verdict returns the verdict of the interval in the map of destinations.
func (i Interval) verdict() netfilter.Verdict {
	if i.Masquerade {
		return goTo(masqueradeChain)
	}
	return goTo(keepChain)
}
