// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package config reads and validates the configuration file.
//
// The result is a valid [Config], or an [InvalidError] that lists all problems of
// the file, each with its line and a suggested fix. In a Config all values are
// parsed, networks have no host bits, and no list has duplicates. The package
// imports no other package of this repository. Only [Read], [Load] and [Watched]
// access the file system.
//
// The keys are those of ip-masq-agent 2.12 and of
// https://cloud.google.com/kubernetes-engine/docs/how-to/ip-masquerade-agent,
// and in addition masqueradeCIDRs and sourceCIDRs.
package config

import (
	"net/netip"
	"time"
)

// Options are the command-line flags that affect how a file is parsed.
type Options struct {
	// ReservedRanges adds the reserved IPv4 ranges to the default of
	// nonMasqueradeCIDRs: --nomasq-all-reserved-ranges.
	ReservedRanges bool
	// IPv6 allows IPv6 networks in the lists: --enable-ipv6.
	IPv6 bool
}

// Config is a configuration. Keys that are absent from the file have their
// defaults.
type Config struct {
	// NonMasquerade contains the destinations to which traffic is not masqueraded
	// (nonMasqueradeCIDRs): networks without host bits and without duplicates, in
	// the order of the file.
	NonMasquerade []netip.Prefix
	// Masquerade contains the exceptions: destinations to which traffic is
	// masqueraded although a network of NonMasquerade contains them
	// (masqueradeCIDRs). It has the same form, and no network in common with
	// NonMasquerade.
	Masquerade []netip.Prefix
	// Source contains the source ranges whose traffic is masqueraded
	// (sourceCIDRs), in the same form. Traffic from other sources is not
	// masqueraded. If Source has ranges but none of an IP family, no traffic of
	// that family is masqueraded. An empty Source means any source.
	Source []netip.Prefix
	// MasqLinkLocal means that traffic to 169.254.0.0/16 is masqueraded as any
	// other. Otherwise it is not masqueraded.
	MasqLinkLocal bool
	// MasqLinkLocalIPv6 is the same for fe80::/10.
	MasqLinkLocalIPv6 bool
	// ResyncInterval is the time between two syncs of the rules, at least 100 ms.
	ResyncInterval time.Duration
}

const (
	defaultLimit    = 64 // as in ip-masq-agent 2.12
	defaultInterval = 60 * time.Second
)

// Default returns the configuration that is used without a file.
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

// reservedRanges returns the ranges that --nomasq-all-reserved-ranges adds, in the
// order of ip-masq-agent 2.12.
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
