// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package host

import (
	"fmt"
	"net/netip"

	"github.com/ti-mo/conntrack"
	"github.com/ti-mo/netfilter"
)

// Flow is a conntrack entry. The first packet of a connection decides about NAT, so a
// later change of rules does not affect the connection.
type Flow struct {
	Source              netip.Addr // of the first packet
	Destination         netip.Addr // of the first packet, such as the address of a Service
	DestinationAfterNAT netip.Addr // after DNAT
	SourceAfterNAT      netip.Addr // after source NAT
	Protocol            uint8      // IPPROTO_TCP and so on
	// PassedPostrouting means that the NAT rules at postrouting have decided about
	// the connection.
	PassedPostrouting bool
}

// Flows returns the conntrack entries of one family. If the kernel's list changes while
// it is read, an entry may be missing or repeated.
func Flows(ipv6 bool) ([]Flow, error) {
	conn, err := conntrack.Dial(nil)
	if err != nil {
		return nil, fmt.Errorf("opening a conntrack socket: %w", err)
	}
	defer conn.Close()
	family := netfilter.ProtoIPv4
	if ipv6 {
		family = netfilter.ProtoIPv6
	}
	flows, err := conn.DumpFilter(conntrack.NewFilter().Family(family), nil)
	if err != nil {
		return nil, fmt.Errorf("listing connections: %w", err)
	}
	out := make([]Flow, len(flows))
	for i, f := range flows {
		out[i] = Flow{
			Source:              f.TupleOrig.IP.SourceAddress,
			Destination:         f.TupleOrig.IP.DestinationAddress,
			DestinationAfterNAT: f.TupleReply.IP.SourceAddress,
			SourceAfterNAT:      f.TupleReply.IP.DestinationAddress,
			Protocol:            f.TupleOrig.Proto.Protocol,
			PassedPostrouting:   f.Status.SrcNATDone(),
		}
	}
	return out, nil
}
