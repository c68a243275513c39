// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"fmt"
	"net/netip"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// intervals reads "10.0.0.0-10.8.255.255 keep, 10.9.0.0 masquerade".
func intervals(s string) []Interval {
	var out []Interval
	for _, field := range strings.Split(s, ", ") {
		ends, verdict, _ := strings.Cut(field, " ")
		from, to, isRange := strings.Cut(ends, "-")
		if !isRange {
			to = from
		}
		out = append(out, Interval{From: netip.MustParseAddr(from), To: netip.MustParseAddr(to), Masquerade: verdict == "masquerade"})
	}
	return out
}

// ranges reads "10.0.0.0-10.0.0.255 192.0.2.1-192.0.2.1".
func ranges(s string) []netfilter.AddressRange {
	var out []netfilter.AddressRange
	for _, field := range strings.Fields(s) {
		from, to, _ := strings.Cut(field, "-")
		out = append(out, netfilter.AddressRange{From: netip.MustParseAddr(from), To: netip.MustParseAddr(to)})
	}
	return out
}

// specs has each part of a table at least once, in both families.
func specs() map[string]Spec {
	return map[string]Spec{
		"nothing kept": {},
		"defaults": {
			Destinations: intervals("10.0.0.0-10.255.255.255 keep, 169.254.0.0-169.254.255.255 keep, 172.16.0.0-172.31.255.255 keep, 192.168.0.0-192.168.255.255 keep"),
			RandomFully:  true,
		},
		"exceptions and ports": {
			Destinations: intervals("0.0.0.0-0.255.255.255 keep, 10.0.0.0-10.8.255.255 keep, 10.9.0.0-10.9.6.255 masquerade, 10.9.7.0-10.9.7.255 keep, 10.9.8.1 masquerade, 255.0.0.0-255.255.255.255 keep"),
			RandomFully:  true,
			ToPorts:      []netfilter.PortRange{{From: 1024, To: 29999}, {From: 32768, To: 65535}, {From: 31000, To: 31000}},
		},
		"everything kept, one port range": {
			Destinations: intervals("0.0.0.0-255.255.255.255 keep"),
			ToPorts:      []netfilter.PortRange{{From: 1024, To: 65535}},
		},
		"sources and ports": {
			Destinations: intervals("10.0.0.0-10.255.255.255 keep, 198.51.100.7 masquerade"),
			OnlySources:  true,
			Sources:      ranges("10.0.0.0-10.0.0.255 10.244.0.0-10.246.255.255 192.0.2.1-192.0.2.1 255.255.0.0-255.255.255.255"),
			RandomFully:  true,
			ToPorts:      []netfilter.PortRange{{From: 1024, To: 29999}, {From: 32768, To: 65535}},
		},
		"no sources": {
			Destinations: intervals("10.0.0.0-10.255.255.255 keep"),
			OnlySources:  true,
		},
		"IPv6, sources": {
			Family:       netfilter.IPv6,
			Destinations: intervals("fd00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff keep"),
			OnlySources:  true,
			Sources:      ranges("fd00:244::-fd00:244:ffff:ffff:ffff:ffff:ffff:ffff 2001:db8::7-2001:db8::7"),
			RandomFully:  true,
		},
		"IPv6": {
			Family:       netfilter.IPv6,
			Destinations: intervals("fd00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff keep, fe80::-fe80:: keep, fe80::1 masquerade, fe80::2-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff keep"),
			RandomFully:  true,
		},
		"IPv6, everything kept, ports": {
			Family:       netfilter.IPv6,
			Destinations: intervals("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff keep"),
			ToPorts:      []netfilter.PortRange{{From: 1024, To: 2047}, {From: 4096, To: 5000}},
		},
	}
}

// many returns n disjoint intervals of 256 addresses, the verdict alternating.
func many(f netfilter.Family, n int) []Interval {
	var out []Interval
	for i := range n {
		from := netip.AddrFrom4([4]byte{byte(20 + i>>15), byte(i >> 7), byte(i << 1), 0})
		to := netip.AddrFrom4([4]byte{byte(20 + i>>15), byte(i >> 7), byte(i << 1), 255})
		if f == netfilter.IPv6 {
			from = netip.MustParseAddr(fmt.Sprintf("2001:db8:%x:%x::", i>>15, 2*i&0xffff))
			to = netip.MustParseAddr(fmt.Sprintf("2001:db8:%x:%x:ffff:ffff:ffff:ffff", i>>15, 2*i&0xffff))
		}
		out = append(out, Interval{From: from, To: to, Masquerade: i%2 == 1})
	}
	return out
}
