// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package host

import (
	"fmt"
	"net/netip"

	"github.com/ti-mo/conntrack"
	"github.com/ti-mo/netfilter"
)

// Flow is a connection that conntrack remembers. NAT is decided by the first
// packet of a connection, so a change of rules does not touch it.
type Flow struct {
	Source   netip.Addr // of its first packet
	Asked    netip.Addr // the destination of its first packet, such as a Service's
	Reached  netip.Addr // the destination after DNAT, where the answers come from
	Left     netip.Addr // the source after source NAT, where the answers go
	Protocol uint8
	// SourceDone means that the connection has passed the nat rules of
	// postrouting.
	SourceDone bool
}

// Flows returns the connections of one family. A list that changes while it is
// read may have one twice or lack it.
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
			Source:     f.TupleOrig.IP.SourceAddress,
			Asked:      f.TupleOrig.IP.DestinationAddress,
			Reached:    f.TupleReply.IP.SourceAddress,
			Left:       f.TupleReply.IP.DestinationAddress,
			Protocol:   f.TupleOrig.Proto.Protocol,
			SourceDone: f.Status.SrcNATDone(),
		}
	}
	return out, nil
}
