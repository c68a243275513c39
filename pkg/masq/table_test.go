// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

func TestTable(t *testing.T) {
	o := Options{ChainName: "IP-MASQ", RandomFully: true, ToPorts: []netfilter.PortRange{{From: 1024, To: 29999}, {From: 32768, To: 65535}}}
	c := config.Config{MasqLinkLocal: true, NonMasquerade: prefixes("10.0.0.0/8 fd00::/8"), Masquerade: prefixes("10.128.0.0/9"),
		Source: prefixes("192.0.2.1/32 10.245.0.0/16 10.244.0.0/16 10.244.1.0/24 fd00:244::/64")}
	addr := netip.MustParseAddr
	want := nftables.Spec{
		Family: netfilter.IPv4,
		Destinations: []nftables.Interval{
			{From: addr("10.0.0.0"), To: addr("10.127.255.255")},
			{From: addr("10.128.0.0"), To: addr("10.255.255.255"), Masquerade: true},
		},
		OnlySources: true,
		Sources:     []netfilter.AddressRange{{From: addr("10.244.0.0"), To: addr("10.245.255.255")}, {From: addr("192.0.2.1"), To: addr("192.0.2.1")}},
		RandomFully: true,
		ToPorts:     []netfilter.PortRange{{From: 1024, To: 29999}, {From: 32768, To: 65535}},
	}
	if diff := cmp.Diff(want, o.Table(netfilter.IPv4, c), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDecideNothing: a connection that no rule matches meets none.
func TestDecideNothing(t *testing.T) {
	rules := []iptables.Rule{{Destination: netip.MustParsePrefix("10.0.0.0/8"), Target: iptables.Return}}
	if r, ok := Decide(rules, netip.Addr{}, netip.MustParseAddr("8.8.8.8")); ok || r != (iptables.Rule{}) {
		t.Errorf("Decide() = %s, %v", r, ok)
	}
	if r, ok := Decide(rules, netip.Addr{}, netip.MustParseAddr("10.1.2.3")); !ok || r != rules[0] {
		t.Errorf("Decide() = %s, %v", r, ok)
	}
}
