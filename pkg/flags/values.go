// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package flags

import (
	"fmt"
	"net/netip"
	"strings"

	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

// portRanges is the value of --to-ports.
type portRanges []netfilter.PortRange

// Set parses port ranges.
func (p *portRanges) Set(s string) (err error) {
	*p, err = masq.ParsePortRanges(s)
	return err
}

// String returns the ranges, separated by commas.
func (p *portRanges) String() string { return join(*p) }

// Type names the type in --help.
func (p *portRanges) Type() string { return "ranges" }

// Prefixes is the value of a flag for CIDRs that are separated by commas. The flag
// may be repeated.
type Prefixes []netip.Prefix

// Set parses CIDRs and appends them.
func (p *Prefixes) Set(s string) error {
	for _, cidr := range strings.Split(s, ",") {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(cidr))
		if err != nil || prefix.Addr().Is4In6() {
			return fmt.Errorf("%q is not a CIDR, such as 10.4.0.0/14", cidr)
		}
		*p = append(*p, prefix.Masked())
	}
	return nil
}

// String returns the CIDRs, separated by commas.
func (p *Prefixes) String() string { return join(*p) }

// Type names the type in --help.
func (p *Prefixes) Type() string { return "CIDRs" }

// Address is the value of a flag for an IP address; the zero Addr if it is not set.
type Address struct{ netip.Addr }

// Set parses an address. An IPv4-mapped IPv6 address becomes an IPv4 address.
func (a *Address) Set(s string) error {
	address, err := netip.ParseAddr(s)
	if err != nil {
		return fmt.Errorf("%q is not an IP address", s)
	}
	if address.Zone() != "" { // no CIDR would contain it
		return fmt.Errorf("%q has a zone: write it without the %% and the zone", s)
	}
	a.Addr = address.Unmap()
	return nil
}

// String returns the address; empty if it is not set.
func (a *Address) String() string {
	if !a.IsValid() {
		return ""
	}
	return a.Addr.String()
}

// Type names the type in --help.
func (a *Address) Type() string { return "address" }

func join[T fmt.Stringer](values []T) string {
	var words []string
	for _, v := range values {
		words = append(words, v.String())
	}
	return strings.Join(words, ",")
}
