// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"net/netip"
	"testing"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestWalkOfOwnTable reads the written table as explain and doctor do, and
// compares what happens to a packet to each boundary with the Spec.
func TestWalkOfOwnTable(t *testing.T) {
	for name, s := range packetSpecs() {
		for _, ports := range [][]netfilter.PortRange{nil, {{From: 2001, To: 2100}, {From: 40001, To: 40300}}} {
			s.ToPorts = ports
			t.Run(name+map[bool]string{true: " with ports"}[ports != nil], func(t *testing.T) {
				netns.Require(t, "nft")
				netns.Run(t, func(t *testing.T) {
					apply(t, NewTable(s.Family), s)
					rules, err := open(t).Postrouting()
					if err != nil {
						t.Fatal(err)
					}
					source := netip.MustParseAddr("100.64.1.2")
					if s.Family == netfilter.IPv6 {
						source = netip.MustParseAddr("2001:db8:64::2")
					}
					for _, a := range boundaries(s) {
						for _, protocol := range []uint8{0, 1, 6} {
							want := netfilter.Kept
							if masquerades(s, source, a) {
								want = netfilter.Masqueraded
							}
							p := netfilter.Packet{Source: source, Destination: a, DestinationType: netfilter.TypeUnicast, Protocol: protocol}
							if got := rules.Walk(p); got.Fate() != want {
								t.Errorf("%s, protocol %d: %s, want %s (%+v)", a, protocol, got.Fate(), want, got.Outcomes)
							}
							p.DestinationType = netfilter.TypeLocal
							if got := rules.Walk(p); got.Fate() != netfilter.Kept {
								t.Errorf("%s as an address of the node: %s, want keep", a, got.Fate())
							}
						}
					}
				})
			})
		}
	}
}
