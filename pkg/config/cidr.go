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

// parseItem parses an item of a list. The prefix may have host bits.
func parseItem(item any, ipv6 bool) (netip.Prefix, *message) {
	switch item := item.(type) {
	case string:
		return parseCIDR(item, ipv6)
	case nil:
		return netip.Prefix{}, &message{"is an empty item", "remove it or " + exampleCIDR}
	default:
		return netip.Prefix{}, &message{"is " + typeName(item) + ", not a CIDR", exampleCIDR}
	}
}

// parseCIDR parses "ADDRESS/LENGTH".
func parseCIDR(text string, ipv6 bool) (netip.Prefix, *message) {
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		m := cidrMessage(text)
		return netip.Prefix{}, &m
	case prefix.Addr().Is4In6():
		m := mappedMessage(prefix)
		return netip.Prefix{}, &m
	case prefix.Addr().Is6() && !ipv6:
		return netip.Prefix{}, &message{"is an IPv6 CIDR", "start the agent with --enable-ipv6 or remove the entry"}
	}
	return prefix, nil
}

// mappedMessage returns the message about an IPv4-mapped IPv6 prefix (RFC 4291,
// section 2.5.5.2). No packet has such an address, so the rule would never match.
func mappedMessage(p netip.Prefix) message {
	m := message{"is an IPv4-mapped IPv6 prefix", "write the IPv4 range"}
	if length := p.Bits() - 96; length >= 0 {
		m.remedy = "write " + netip.PrefixFrom(p.Addr().Unmap(), length).Masked().String()
	}
	return m
}

// cidrMessage returns the message about a text that is not a CIDR.
func cidrMessage(text string) message {
	tidy := strings.Trim(strings.Join(strings.Fields(text), ""), `,;"'“”„‘’`+"`\u200b")
	address, length, slash := strings.Cut(tidy, "/")
	addr, err := netip.ParseAddr(address)
	switch {
	case tidy == "":
		return message{"is an empty item", "remove it or " + exampleCIDR}
	case isCIDR(tidy):
		return message{"has stray white space or punctuation", "write " + tidy}
	case slices.ContainsFunc(strings.FieldsFunc(text, isSeparator), isCIDR):
		return message{"is more than one CIDR", "write one item for each"}
	case err != nil:
		return message{"is not a CIDR", exampleCIDR}
	case addr.Zone() != "":
		return message{"has an IPv6 zone", "write it without the % and the zone"}
	case !slash:
		addr = addr.Unmap()
		return message{"is a bare IP address", fmt.Sprintf("write %s/%d", addr, addr.BitLen())}
	}
	return lengthMessage(addr, length)
}

func isCIDR(text string) bool {
	_, err := netip.ParsePrefix(text)
	return err == nil
}

func isSeparator(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) }

// lengthMessage returns the message about an invalid prefix length.
func lengthMessage(addr netip.Addr, text string) message {
	m := message{"has no valid prefix length", fmt.Sprintf("write a length from 0 to %d after the slash", addr.BitLen())}
	if mask, err := netip.ParseAddr(text); err == nil {
		m = message{"has a netmask instead of the prefix length", "write the length, such as /8"}
		if ones, bits := net.IPMask(mask.AsSlice()).Size(); bits == addr.BitLen() {
			m.remedy = "write " + netip.PrefixFrom(addr, ones).Masked().String()
		}
		return m
	}
	if n, err := strconv.Atoi(text); err == nil {
		if n > addr.BitLen() {
			m.reason = fmt.Sprintf("has a prefix length over %d", addr.BitLen())
		} else if n >= 0 { // "+8" or "08"
			m.remedy = "write " + netip.PrefixFrom(addr, n).Masked().String()
		}
	}
	return m
}
