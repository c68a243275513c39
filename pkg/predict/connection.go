// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package predict says what happens to the source address of a new connection,
// and which rule decides.
//
// [ByFile] gives the answer of the configuration file. [Rules.Decide] gives the
// answer of the kernel, where the rules of all programs count. [Read] reads them.
// The subcommands explain and doctor use the same functions, so that their
// answers agree.
package predict

import (
	"net/netip"

	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/netfilter"
)

// Connection is a new connection, with this node's routes to its addresses.
type Connection struct {
	Source      netip.Addr // the zero Addr is any pod
	Destination netip.Addr // after DNAT
	Protocol    uint8      // IPPROTO_TCP and so on; 0 if not known
	// SourceRoute is the route to the source, and Route the route from the source
	// to the destination. Each is the zero Route if it is not known.
	SourceRoute, Route host.Route
}

// Packet returns the first packet of the connection at the postrouting hook.
//
// An address without a route is taken for one of another host: the kernel's
// inet_addr_type calls it unicast too.
func (c Connection) Packet() netfilter.Packet {
	return netfilter.Packet{
		Source:          c.Source,
		Destination:     c.Destination,
		SourceType:      max(c.SourceRoute.Type, netfilter.TypeUnicast),
		DestinationType: max(c.Route.Type, netfilter.TypeUnicast),
		Out:             c.Route.Device,
		Protocol:        c.Protocol,
	}
}

// Family returns the IP family of the connection.
func (c Connection) Family() netfilter.Family { return netfilter.FamilyOf(c.Destination) }
