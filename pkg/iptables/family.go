// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

// Family is an IP address family, which is all that tells iptables from
// ip6tables. It is looked at where commands are named and where prefixes are
// chosen, and nowhere else.
type Family uint8

// The families, in the order in which they are reported.
const (
	IPv4 Family = iota
	IPv6
)

// String returns the name Kubernetes uses in ipFamilies: IPv4 or IPv6.
func (f Family) String() string {
	if f == IPv6 {
		return "IPv6"
	}
	return "IPv4"
}

// command returns the plain name of the family's command, see iptables(8).
func (f Family) command() string {
	if f == IPv6 {
		return "ip6tables"
	}
	return "iptables"
}
