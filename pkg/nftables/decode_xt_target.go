// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/printable"
)

// target decodes a target of x_tables.
func (d *decoder) target(a attributes) {
	e := extension{a.string(unix.NFTA_TARGET_NAME), a.uint32(unix.NFTA_TARGET_REV), a[unix.NFTA_TARGET_INFO]}
	if r, ok := d.natRange(e); ok {
		v := netfilter.Verdict{Action: netfilter.Masquerade, RandomFully: r.flags&unix.NF_NAT_RANGE_PROTO_RANDOM_FULLY != 0, Ports: r.ports, Options: otherNATOptions(r.flags)}
		text := "-j MASQUERADE" + r.options("--to-ports")
		if e.name != "MASQUERADE" {
			v.Action, v.To = netfilter.SNAT, r.to
			text = "-j SNAT --to-source " + r.destination() + r.options("")
		}
		if e.name == "NETMAP" {
			text = "-j NETMAP …"
		}
		d.verdict(v, text, "xt target "+quoted(e.name))
		return
	}
	text, nft := "-j "+printable.Line(e.name)+" …", "xt target "+quoted(e.name)
	switch {
	case e.is("MARK", 2, 8):
		mark, mask := d.host.Uint32(e.info), d.host.Uint32(e.info[4:])
		to := netfilter.Operand{Field: netfilter.Mark, Length: 4, Mask: netfilter.Number(^mask), Xor: netfilter.Number(mark)}
		d.effect(netfilter.SetMark{To: to}, fmt.Sprintf("-j MARK --set-xmark 0x%x/0x%x", mark, mask), nft)
		d.registers.forget(netfilter.Mark)
	case e.is("CONNMARK", 1, 13), e.is("CONNMARK", 2, 13):
		if e.info[12] <= 1 { // XT_CONNMARK_SET and XT_CONNMARK_SAVE: the connection's mark
			d.addText(text, nft)
			return
		}
		d.unknownMark(text, nft)
	case e.name == "HMARK":
		d.unknownMark(text, nft)
	case harmless[e.name]:
		d.addText(text, nft)
	default:
		d.verdict(netfilter.Verdict{Action: netfilter.Other, Name: e.name}, text, nft)
	}
}

// harmless are the targets that change nothing on which source NAT depends.
var harmless = map[string]bool{
	"LOG": true, "NFLOG": true, "TRACE": true, "CLASSIFY": true, "AUDIT": true, "LED": true,
	"RATEEST": true, "IDLETIMER": true, "SECMARK": true, "CONNSECMARK": true, "TEE": true,
}

func (d *decoder) unknownMark(iptables, nft string) {
	d.effect(netfilter.SetMark{To: netfilter.Operand{Length: 4}}, iptables, nft)
	d.registers.forget(netfilter.Mark)
}

// natRange is the range of addresses and ports of a NAT target.
type natRange struct {
	flags uint32
	to    netfilter.AddressRange
	ports netfilter.PortRange
}

// natRange decodes struct nf_nat_ipv4_multi_range_compat, nf_nat_range or
// nf_nat_range2 (linux/netfilter/nf_nat.h).
func (d *decoder) natRange(e extension) (natRange, bool) {
	v4 := false
	switch e.name {
	case "MASQUERADE", "NETMAP":
		if e.revision != 0 {
			return natRange{}, false
		}
		v4 = d.family == unix.NFPROTO_IPV4
	case "SNAT":
		if e.revision > 2 {
			return natRange{}, false
		}
		v4 = e.revision == 0
	default:
		return natRange{}, false
	}
	info, addressBytes := e.info, 16
	if v4 {
		if len(info) < 20 || d.host.Uint32(info) != 1 { // the number of ranges
			return natRange{}, false
		}
		info, addressBytes = info[4:], 4
	}
	if len(info) < 4+2*addressBytes+4 {
		return natRange{}, false
	}
	r := natRange{flags: d.host.Uint32(info)}
	const understood = unix.NF_NAT_RANGE_MASK &^ unix.NF_NAT_RANGE_PROTO_OFFSET
	if r.flags&^uint32(understood) != 0 {
		return natRange{}, false
	}
	from, to := info[4:][:addressBytes], info[4+addressBytes:][:addressBytes]
	if d.family == unix.NFPROTO_IPV4 {
		from, to = from[:4], to[:4]
	}
	if r.flags&unix.NF_NAT_RANGE_MAP_IPS != 0 {
		first, _ := netip.AddrFromSlice(from)
		last, _ := netip.AddrFromSlice(to)
		r.to = netfilter.AddressRange{From: first, To: last}
	}
	if r.flags&unix.NF_NAT_RANGE_PROTO_SPECIFIED != 0 {
		ports := info[4+2*addressBytes:]
		r.ports = netfilter.PortRange{From: binary.BigEndian.Uint16(ports), To: binary.BigEndian.Uint16(ports[2:])}
	}
	return r, true
}

// destination is the argument of --to-source.
func (r natRange) destination() string {
	out := ""
	if r.to.From.IsValid() {
		out = r.to.From.String()
		if r.to.To != r.to.From {
			out += "-" + r.to.To.String()
		}
		if r.to.From.Is6() && r.flags&unix.NF_NAT_RANGE_PROTO_SPECIFIED != 0 {
			out = "[" + out + "]"
		}
	}
	if r.flags&unix.NF_NAT_RANGE_PROTO_SPECIFIED != 0 {
		out += ":" + portsText(r.ports)
	}
	return out
}

// options returns the options of a NAT target, in the order of iptables-save.
// toPorts is the one for ports, if it has one.
func (r natRange) options(toPorts string) string {
	out := ""
	if toPorts != "" && r.flags&unix.NF_NAT_RANGE_PROTO_SPECIFIED != 0 {
		out += " " + toPorts + " " + portsText(r.ports)
	}
	for _, o := range []struct {
		flag uint32
		text string
	}{{unix.NF_NAT_RANGE_PROTO_RANDOM, " --random"}, {unix.NF_NAT_RANGE_PROTO_RANDOM_FULLY, " --random-fully"}, {unix.NF_NAT_RANGE_PERSISTENT, " --persistent"}} {
		if r.flags&o.flag != 0 {
			out += o.text
		}
	}
	return out
}

func portsText(p netfilter.PortRange) string {
	if p.From == p.To {
		return fmt.Sprint(p.From)
	}
	return fmt.Sprintf("%d-%d", p.From, p.To)
}
