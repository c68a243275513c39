// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"fmt"
	"testing"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestEveryShareHasAPort has port ranges of one port each, so that every random
// number but the first is the border of two shares. Each connection gets one of
// the ports.
func TestEveryShareHasAPort(t *testing.T) {
	for _, n := range []uint16{2, 3, 4, 5, 8, 13} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) {
				var ports []netfilter.PortRange
				for i := range n {
					ports = append(ports, netfilter.PortRange{From: 2000 + 2*i, To: 2000 + 2*i})
				}
				w := newWorld(t, netfilter.IPv4)
				apply(t, NewTable(netfilter.IPv4), Spec{ToPorts: ports, RandomFully: true})
				// A port has one connection with each destination.
				for i := range 100 {
					if source := w.datagram(fmt.Sprintf("203.0.113.%d", i)); !hasPort(ports, source.Port()) {
						t.Errorf("a packet came from port %d, want one of %v", source.Port(), ports)
					}
				}
			})
		})
	}
}
