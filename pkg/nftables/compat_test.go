// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"net/netip"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// TestDecodeMatch decodes matches of x_tables, as a little-endian machine has
// them.
func TestDecodeMatch(t *testing.T) {
	masked := mark
	masked.Mask = []byte{0, 0, 0x40, 0}
	types := func(o netfilter.Operand, negated bool, kinds ...byte) netfilter.Condition {
		c := netfilter.Condition{Key: []netfilter.Operand{o}, Negated: negated}
		for _, k := range kinds {
			c.Elements = append(c.Elements, netfilter.Element{Key: []netfilter.Range{{From: []byte{0, 0, 0, k}, To: []byte{0, 0, 0, k}}}})
		}
		return c
	}
	tests := []struct {
		name   string
		family uint8
		match  netlink.Attribute
		steps  []netfilter.Step
		text   string
	}{
		{"addrtype", unix.NFPROTO_IPV4, match("addrtype", 1, 0, 0, 4, 0, 2, 0, 0, 0), []netfilter.Step{types(localness, true, 2)}, "-m addrtype ! --dst-type LOCAL"},
		{"addrtype revision 0", unix.NFPROTO_IPV4, match("addrtype", 0, 0, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0), []netfilter.Step{types(localness, true, 2)}, "-m addrtype ! --dst-type LOCAL"},
		{"addrtype of both", unix.NFPROTO_IPV4, match("addrtype", 1, 4, 0, 6, 0, 1, 0, 0, 0), []netfilter.Step{types(sourceness, true, 2), types(localness, false, 1, 2)}, "-m addrtype ! --src-type LOCAL --dst-type UNICAST,LOCAL"},
		{"addrtype of one device", unix.NFPROTO_IPV4, match("addrtype", 1, 0, 0, 4, 0, 8, 0, 0, 0), []netfilter.Step{unknown}, "-m addrtype --dst-type LOCAL …"},
		{"addrtype of IPv6", unix.NFPROTO_IPV6, match("addrtype", 1, 0, 0, 4, 0, 0, 0, 0, 0), []netfilter.Step{types(localness, false, 2)}, "-m addrtype --dst-type LOCAL"},
		{"addrtype of IPv6 that looks at the address", unix.NFPROTO_IPV6, match("addrtype", 1, 0, 0, 2, 0, 0, 0, 0, 0), []netfilter.Step{unknown}, "-m addrtype --dst-type UNICAST …"},
		{"statistic", unix.NFPROTO_IPV4, match("statistic", 0, 0, 0, 0, 0, 0, 0, 0, 0x20), []netfilter.Step{is(randomly, []byte{0, 0, 0, 0}, []byte{0x1f, 0xff, 0xff, 0xff})}, "-m statistic --mode random --probability 0.25000000000"},
		{"statistic, always", unix.NFPROTO_IPV4, match("statistic", 0, 0, 0, 0, 0, 0, 0, 0, 0x80), []netfilter.Step{is(randomly, []byte{0, 0, 0, 0}, []byte{0x7f, 0xff, 0xff, 0xff})}, "-m statistic --mode random --probability 1.00000000000"},
		{"statistic, every nth", unix.NFPROTO_IPV4, match("statistic", 0, 1, 0, 0, 0, 1, 0, 0, 0), []netfilter.Step{unknown}, "-m statistic …"},
		{"mark", unix.NFPROTO_IPV4, match("mark", 1, 0, 0x40, 0, 0, 0, 0x40, 0, 0, 0), []netfilter.Step{is(masked, []byte{0, 0, 0x40, 0}, []byte{0, 0, 0x40, 0})}, "-m mark --mark 0x4000/0x4000"},
		{"not a mark", unix.NFPROTO_IPV4, match("mark", 1, 0, 0x40, 0, 0, 0, 0x40, 0, 0, 1), []netfilter.Step{isNot(masked, []byte{0, 0, 0x40, 0})}, "-m mark ! --mark 0x4000/0x4000"},
		{"cut off", unix.NFPROTO_IPV4, match("mark", 1, 0, 0x40), []netfilter.Step{unknown}, "-m mark …"},
		{"another revision", unix.NFPROTO_IPV4, match("addrtype", 7, 0, 0, 4, 0, 2, 0, 0, 0), []netfilter.Step{unknown}, "-m addrtype …"},
		{"any other", unix.NFPROTO_IPV4, match("set", 4, 1, 2, 3), []netfilter.Step{unknown}, "-m set …"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := little(t, nil, tt.family, tt.match)
			checkSteps(t, tt.steps, r)
			checkText(t, "-A P "+tt.text, r)
		})
	}
}

// TestDecodeTarget decodes targets of x_tables.
func TestDecodeTarget(t *testing.T) {
	addresses := func(from, to string) netfilter.AddressRange {
		return netfilter.AddressRange{From: netip.MustParseAddr(from), To: netip.MustParseAddr(to)}
	}
	multi := func(b ...byte) []byte { return append([]byte{1, 0, 0, 0}, b...) }
	range6 := func(flags byte, addresses string, ports ...byte) []byte {
		a := netip.MustParseAddr(addresses).As16()
		return append(append(append([]byte{flags, 0, 0, 0}, a[:]...), a[:]...), ports...)
	}
	mangled := mark
	mangled.Mask, mangled.Xor = []byte{0xff, 0xff, 0xbf, 0xff}, []byte{0, 0, 0x40, 0}
	tests := []struct {
		name   string
		family uint8
		target netlink.Attribute
		steps  []netfilter.Step
		text   string
	}{
		{
			"masquerade", unix.NFPROTO_IPV4, target("MASQUERADE", 0, multi(16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)...),
			[]netfilter.Step{netfilter.Verdict{Action: netfilter.Masquerade, RandomFully: true}}, "-j MASQUERADE --random-fully",
		},
		{
			"masquerade of IPv6 with a port", unix.NFPROTO_IPV6, target("MASQUERADE", 0, range6(2, "::", 0, 80, 0, 80)...),
			[]netfilter.Step{netfilter.Verdict{Action: netfilter.Masquerade, Ports: netfilter.PortRange{From: 80, To: 80}}}, "-j MASQUERADE --to-ports 80",
		},
		{
			"snat", unix.NFPROTO_IPV4, target("SNAT", 0, multi(1, 0, 0, 0, 192, 0, 2, 1, 192, 0, 2, 9, 0, 0, 0, 0)...),
			[]netfilter.Step{netfilter.Verdict{Action: netfilter.SNAT, To: addresses("192.0.2.1", "192.0.2.9")}}, "-j SNAT --to-source 192.0.2.1-192.0.2.9",
		},
		{
			"snat of IPv6", unix.NFPROTO_IPV6, target("SNAT", 1, range6(3, "2001:db8::1", 0, 80, 0, 90)...),
			[]netfilter.Step{netfilter.Verdict{Action: netfilter.SNAT, To: addresses("2001:db8::1", "2001:db8::1"), Ports: netfilter.PortRange{From: 80, To: 90}}}, "-j SNAT --to-source [2001:db8::1]:80-90",
		},
		{
			"snat of ports alone", unix.NFPROTO_IPV4, target("SNAT", 0, multi(2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 80, 0, 80)...),
			[]netfilter.Step{netfilter.Verdict{Action: netfilter.SNAT, Ports: netfilter.PortRange{From: 80, To: 80}}}, "-j SNAT --to-source :80",
		},
		{
			"two ranges", unix.NFPROTO_IPV4, target("SNAT", 0, append([]byte{2, 0, 0, 0}, make([]byte, 32)...)...),
			[]netfilter.Step{netfilter.Verdict{Action: netfilter.Other, Name: "SNAT"}}, "-j SNAT …",
		},
		{
			"another revision", unix.NFPROTO_IPV4, target("MASQUERADE", 1, make([]byte, 64)...),
			[]netfilter.Step{netfilter.Verdict{Action: netfilter.Other, Name: "MASQUERADE"}}, "-j MASQUERADE …",
		},
		{
			"mark", unix.NFPROTO_IPV4, target("MARK", 2, 0, 0x40, 0, 0, 0, 0x40, 0, 0),
			[]netfilter.Step{netfilter.SetMark{To: mangled}}, "-j MARK --set-xmark 0x4000/0x4000",
		},
		{"the connection's mark", unix.NFPROTO_IPV4, target("CONNMARK", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), nil, "-j CONNMARK …"},
		{
			"the mark from the connection's", unix.NFPROTO_IPV4, target("CONNMARK", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2),
			[]netfilter.Step{netfilter.SetMark{To: netfilter.Operand{Length: 4}}}, "-j CONNMARK …",
		},
		{"log", unix.NFPROTO_IPV4, target("LOG", 0, 1, 2, 3), nil, "-j LOG …"},
		{
			"any other", unix.NFPROTO_IPV4, target("TPROXY", 1, 1, 2, 3),
			[]netfilter.Step{netfilter.Verdict{Action: netfilter.Other, Name: "TPROXY"}}, "-j TPROXY …",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := little(t, nil, tt.family, tt.target)
			checkSteps(t, tt.steps, r)
			checkText(t, "-A P "+tt.text, r)
		})
	}
}
