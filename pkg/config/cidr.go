// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const exampleCIDR = "write a CIDR, such as 10.0.0.0/8"

// parseItem reads one item of a list. Its prefix may have host bits.
func parseItem(item any, ipv6 bool) (netip.Prefix, *fault) {
	switch item := item.(type) {
	case string:
		return parseCIDR(item, ipv6)
	case nil:
		return netip.Prefix{}, &fault{"is an empty item", "remove it or " + exampleCIDR}
	default:
		return netip.Prefix{}, &fault{"is " + kind(item) + ", not a CIDR", exampleCIDR}
	}
}

// parseCIDR reads "ADDRESS/LENGTH".
func parseCIDR(text string, ipv6 bool) (netip.Prefix, *fault) {
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		f := malformed(text)
		return netip.Prefix{}, &f
	case prefix.Addr().Is4In6():
		f := mapped(prefix)
		return netip.Prefix{}, &f
	case prefix.Addr().Is6() && !ipv6:
		return netip.Prefix{}, &fault{"is an IPv6 CIDR", "start the agent with --enable-ipv6 or remove the entry"}
	}
	return prefix, nil
}

// mapped is the fault of an IPv4-mapped IPv6 prefix (RFC 4291, section
// 2.5.5.2): no packet carries such an address, so no rule would ever match.
func mapped(p netip.Prefix) fault {
	f := fault{"is an IPv4-mapped IPv6 prefix", "write the IPv4 range"}
	if length := p.Bits() - 96; length >= 0 {
		f.remedy = "write " + netip.PrefixFrom(p.Addr().Unmap(), length).Masked().String()
	}
	return f
}

// malformed finds the slip in a text that is no CIDR.
func malformed(text string) fault {
	tidy := strings.Trim(strings.Join(strings.Fields(text), ""), `,;"'`)
	address, length, slash := strings.Cut(tidy, "/")
	addr, err := netip.ParseAddr(address)
	switch {
	case tidy == "":
		return fault{"is an empty item", "remove it or " + exampleCIDR}
	case isCIDR(tidy):
		return fault{"has stray white space or punctuation", "write " + tidy}
	case slices.ContainsFunc(strings.FieldsFunc(text, separates), isCIDR):
		return fault{"is more than one CIDR", "write one item for each"}
	case err != nil:
		return fault{"is not a CIDR", exampleCIDR}
	case addr.Zone() != "":
		return fault{"has a zone", "write it without the % and the zone"}
	case !slash:
		addr = addr.Unmap()
		return fault{"is a bare IP address", fmt.Sprintf("write %s/%d", addr, addr.BitLen())}
	}
	return badLength(addr, length)
}

func isCIDR(text string) bool {
	_, err := netip.ParsePrefix(text)
	return err == nil
}

func separates(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) }

// badLength is the fault of what comes after the slash.
func badLength(addr netip.Addr, text string) fault {
	f := fault{"has no valid prefix length", fmt.Sprintf("write a length from 0 to %d after the slash", addr.BitLen())}
	if mask, err := netip.ParseAddr(text); err == nil {
		f = fault{"has a netmask in place of the prefix length", "write the length, such as /8"}
		if ones, bits := net.IPMask(mask.AsSlice()).Size(); bits == addr.BitLen() {
			f.remedy = "write " + netip.PrefixFrom(addr, ones).Masked().String()
		}
		return f
	}
	if n, err := strconv.Atoi(text); err == nil {
		if n > addr.BitLen() {
			f.reason = fmt.Sprintf("has a prefix length over %d", addr.BitLen())
		} else if n >= 0 { // "+8" or "08"
			f.remedy = "write " + netip.PrefixFrom(addr, n).Masked().String()
		}
	}
	return f
}
