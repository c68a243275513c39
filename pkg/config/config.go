// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package config answers one question: what does the configuration file say?
//
// The answer is a [Config] that is ready to use, or a [Refusal] that lists
// everything wrong with the file, each with its line and with what to write
// instead. There is nothing in between: no string is left to interpret, no
// network has host bits, and no list holds the same network twice. The package
// knows nothing of iptables, and only [Read] and [Load] touch the host.
//
// The file's keys are those of the GKE documentation page "ip-masq-agent" and
// of ip-masq-agent 2.12, with masqueradeCIDRs and sourceCIDRs added.
package config

import (
	"net/netip"
	"time"
)

// Options are the command-line flags that decide what a file means.
type Options struct {
	// ReservedRanges adds the reserved IPv4 ranges to the default of
	// nonMasqueradeCIDRs: --nomasq-all-reserved-ranges.
	ReservedRanges bool
	// IPv6 allows IPv6 networks in the lists: --enable-ipv6.
	IPv6 bool
}

// Config is what a file says, with defaults for what it leaves out.
type Config struct {
	// NonMasquerade holds the destinations towards which traffic keeps the
	// pod's source address (nonMasqueradeCIDRs): networks without host bits,
	// each once, in the file's order.
	NonMasquerade []netip.Prefix
	// Masquerade holds the exceptions, destinations towards which traffic is
	// masqueraded although a network of NonMasquerade contains them
	// (masqueradeCIDRs). It has the same form and shares no network with
	// NonMasquerade.
	Masquerade []netip.Prefix
	// Source holds the ranges whose traffic is masqueraded (sourceCIDRs), in the
	// same form. Traffic from any other source keeps its address. If Source has
	// ranges but none of a family, no traffic of that family is masqueraded. An
	// empty Source is any source.
	Source []netip.Prefix
	// MasqLinkLocal has traffic to 169.254.0.0/16 masqueraded like any other;
	// without it such traffic keeps its source address.
	MasqLinkLocal bool
	// MasqLinkLocalIPv6 is the same for fe80::/10.
	MasqLinkLocalIPv6 bool
	// ResyncInterval is the time between two checks of the rules, 100 ms or more.
	ResyncInterval time.Duration
}

const (
	defaultLimit    = 64 // as in ip-masq-agent 2.12
	defaultInterval = 60 * time.Second
)

// Default returns the configuration of a node without a file. The slices are
// the caller's own.
func Default(o Options) Config {
	c := Config{
		NonMasquerade: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), // RFC 1918, section 3, as are the next two
			netip.MustParsePrefix("172.16.0.0/12"),
			netip.MustParsePrefix("192.168.0.0/16"),
		},
		ResyncInterval: defaultInterval,
	}
	if o.ReservedRanges {
		c.NonMasquerade = append(c.NonMasquerade, reservedRanges()...)
	}
	return c
}

// reservedRanges returns what --nomasq-all-reserved-ranges adds, in the order
// of ip-masq-agent 2.12.
func reservedRanges() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("100.64.0.0/10"),   // RFC 6598: carrier-grade NAT
		netip.MustParsePrefix("192.0.0.0/24"),    // RFC 6890: IETF protocol assignments
		netip.MustParsePrefix("192.0.2.0/24"),    // RFC 5737: TEST-NET-1
		netip.MustParsePrefix("192.88.99.0/24"),  // RFC 7526: 6to4 relays, deprecated
		netip.MustParsePrefix("198.18.0.0/15"),   // RFC 2544: benchmarks
		netip.MustParsePrefix("198.51.100.0/24"), // RFC 5737: TEST-NET-2
		netip.MustParsePrefix("203.0.113.0/24"),  // RFC 5737: TEST-NET-3
		netip.MustParsePrefix("240.0.0.0/4"),     // RFC 1112, section 4: class E
	}
}
