// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import "net/netip"

// Family is an IP address family.
type Family uint8

// The address families, in the order in which output lists them.
const (
	IPv4 Family = iota
	IPv6
)

// Families returns both families, in that order.
func Families() []Family { return []Family{IPv4, IPv6} }

// FamilyOf returns the family of an address. An IPv4-mapped IPv6 address is
// IPv6; unmap it first.
func FamilyOf(a netip.Addr) Family {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}

// String returns the name that Kubernetes uses in ipFamilies: IPv4 or IPv6.
func (f Family) String() string {
	if f == IPv6 {
		return "IPv6"
	}
	return "IPv4"
}

// NFT returns the name of the family in nft(8): ip or ip6.
func (f Family) NFT() string {
	if f == IPv6 {
		return "ip6"
	}
	return "ip"
}

// AddressBytes returns the length of an address in bytes.
func (f Family) AddressBytes() int {
	if f == IPv6 {
		return 16
	}
	return 4
}

// SourceOffset returns the offset of the source address in the network header,
// in bytes (RFC 791, RFC 8200).
func (f Family) SourceOffset() int {
	if f == IPv6 {
		return 8
	}
	return 12
}

// DestinationOffset returns the offset of the destination address, see SourceOffset.
func (f Family) DestinationOffset() int { return f.SourceOffset() + f.AddressBytes() }

// headerBytes returns the length of the network header without options.
func (f Family) headerBytes() int { return f.DestinationOffset() + f.AddressBytes() }
