// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// masq translates the source to the address of the outgoing interface.
func (d *decoder) masq(a attributes) {
	v := netfilter.Verdict{Action: netfilter.Masquerade, RandomFully: a.uint32(unix.NFTA_MASQ_FLAGS)&unix.NF_NAT_RANGE_PROTO_RANDOM_FULLY != 0}
	v.Options = otherNATOptions(a.uint32(unix.NFTA_MASQ_FLAGS))
	v.Ports = d.ports(a, unix.NFTA_MASQ_REG_PROTO_MIN, unix.NFTA_MASQ_REG_PROTO_MAX)
	d.verdict(v, iptablesVerdict(v), nftVerdict(v))
}

// nat translates the source to an address from registers. In an inet table it
// acts only on packets of its family.
func (d *decoder) nat(a attributes) {
	if a.uint32(unix.NFTA_NAT_TYPE) != unix.NFT_NAT_SNAT {
		d.verdict(netfilter.Verdict{Action: netfilter.Other, Name: "dnat"}, "", "dnat")
		return
	}
	family := uint8(a.uint32(unix.NFTA_NAT_FAMILY))
	if d.layer == unix.NFPROTO_INET && family != unix.NFPROTO_INET {
		d.condition([]load{{operand: netfilter.Operand{Field: netfilter.NFProto, Length: 1}}},
			elementsOf([]netfilter.Range{{From: []byte{family}, To: []byte{family}}}), false,
			clause{order: byMatch, nft: "meta nfproto " + protoName(family)})
	}
	v := netfilter.Verdict{Action: netfilter.SNAT, RandomFully: a.uint32(unix.NFTA_NAT_FLAGS)&unix.NF_NAT_RANGE_PROTO_RANDOM_FULLY != 0}
	v.Options = otherNATOptions(a.uint32(unix.NFTA_NAT_FLAGS))
	from := d.address(a, unix.NFTA_NAT_REG_ADDR_MIN)
	to := from
	if a.has(unix.NFTA_NAT_REG_ADDR_MAX) {
		to = d.address(a, unix.NFTA_NAT_REG_ADDR_MAX)
	}
	if from.IsValid() && to.IsValid() {
		v.To = netfilter.AddressRange{From: from, To: to}
	}
	v.Ports = d.ports(a, unix.NFTA_NAT_REG_PROTO_MIN, unix.NFTA_NAT_REG_PROTO_MAX)
	d.verdict(v, iptablesVerdict(v), nftVerdict(v))
}

// address returns the constant address in a register, the zero Addr if there is
// none.
func (d *decoder) address(a attributes, kind uint16) netip.Addr {
	if !a.has(kind) {
		return netip.Addr{}
	}
	addr, _ := netip.AddrFromSlice(d.registers.get(a.uint32(kind)).constant())
	return addr
}

// ports returns the constant ports in two registers.
func (d *decoder) ports(a attributes, low, high uint16) netfilter.PortRange {
	port := func(kind uint16) uint16 {
		if b := d.registers.get(a.uint32(kind)).constant(); len(b) >= 2 {
			return binary.BigEndian.Uint16(b)
		}
		return 0
	}
	if !a.has(low) {
		return netfilter.PortRange{}
	}
	out := netfilter.PortRange{From: port(low), To: port(low)}
	if a.has(high) {
		out.To = port(high)
	}
	return out
}

// otherNATOptions names the options of NAT besides random-fully and ports.
func otherNATOptions(flags uint32) string {
	var out []string
	if flags&unix.NF_NAT_RANGE_PROTO_RANDOM != 0 {
		out = append(out, "random")
	}
	if flags&unix.NF_NAT_RANGE_PERSISTENT != 0 {
		out = append(out, "persistent")
	}
	return strings.Join(out, ",")
}
