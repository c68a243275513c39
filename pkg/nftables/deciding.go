// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"net/netip"
	"slices"

	"ip-masq-agent/pkg/netfilter"
)

// Deciding returns the part of the table that decides about a connection, as
// nft(8) prints it, and the map or chain that contains it. The zero Addr as the source
// is in none of the Sources. A destination of the node itself is not considered.
func (s Spec) Deciding(source, destination netip.Addr) (text, place string) {
	l := s.layout()
	base := l.chains[0].rules
	isSource := func(r netfilter.AddressRange) bool { return source.IsValid() && r.Contains(source) }
	if s.OnlySources && !slices.ContainsFunc(s.Sources, isSource) {
		return base[1].text, "chain " + postroutingChain
	}
	m := l.sets[0]
	for i, e := range m.elements {
		if r := s.Destinations[i]; (netfilter.AddressRange{From: r.From, To: r.To}).Contains(destination) {
			return m.elementText(e), "map " + destinationsMap
		}
	}
	return base[len(base)-1].text, "chain " + postroutingChain
}
