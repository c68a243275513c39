// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"fmt"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// payload loads bytes of a header, or writes them.
func (d *decoder) payload(a attributes) {
	base, offset, length := a.uint32(unix.NFTA_PAYLOAD_BASE), int(a.uint32(unix.NFTA_PAYLOAD_OFFSET)), int(a.uint32(unix.NFTA_PAYLOAD_LEN))
	if offset < 0 || length < 0 || offset > 1<<16 || length > words*wordBytes {
		d.mayFail("payload")
		d.registers.set(a.uint32(unix.NFTA_PAYLOAD_DREG), opaque(words*wordBytes, "payload"))
		return
	}
	text := d.headerName(base, offset, length)
	if a.has(unix.NFTA_PAYLOAD_SREG) {
		text += " set …"
		switch base {
		case unix.NFT_PAYLOAD_NETWORK_HEADER:
			d.effect(netfilter.Rewrite{Offset: offset, Length: length}, "", text)
			d.registers.forget(netfilter.NetworkHeader)
		case unix.NFT_PAYLOAD_TRANSPORT_HEADER, unix.NFT_PAYLOAD_LL_HEADER:
			d.addText("", text)
		default:
			d.verdict(netfilter.Verdict{Action: netfilter.Other, Name: "payload"}, "", text)
		}
		return
	}
	l := opaque(length, text)
	l.key = d.keyOf(base, offset, length)
	if base == unix.NFT_PAYLOAD_NETWORK_HEADER {
		l.operand = netfilter.Operand{Field: netfilter.NetworkHeader, Offset: offset, Length: length}
		l.unsure = offset+length > d.headerBytes()
	}
	d.registers.set(a.uint32(unix.NFTA_PAYLOAD_DREG), l)
}

// headerBytes is the length of the longest header of the family without options.
func (d *decoder) headerBytes() int {
	if d.family == unix.NFPROTO_IPV4 {
		return 20
	}
	return 40
}

// meta loads or sets a property of the packet.
func (d *decoder) meta(a attributes) {
	kind := a.uint32(unix.NFTA_META_KEY)
	if a.has(unix.NFTA_META_SREG) {
		d.metaSet(kind, d.registers.get(a.uint32(unix.NFTA_META_SREG)))
		return
	}
	field := func(f netfilter.Field, length int, host bool, text string) load {
		return load{operand: netfilter.Operand{Field: f, Length: length}, host: host, text: text}
	}
	var l load
	switch kind {
	case unix.NFT_META_MARK:
		l = field(netfilter.Mark, 4, true, "meta mark")
		l.key = keyMark
	case unix.NFT_META_L4PROTO:
		l = field(netfilter.L4Proto, 1, false, "meta l4proto")
		l.key = keyProtocol
	case unix.NFT_META_PROTOCOL:
		l = field(netfilter.EtherType, 2, false, "meta protocol")
	case unix.NFT_META_NFPROTO:
		l = field(netfilter.NFProto, 1, false, "meta nfproto")
	case unix.NFT_META_OIF:
		l = field(netfilter.OutIndex, 4, true, "oif")
	case unix.NFT_META_OIFNAME:
		l = field(netfilter.OutName, unix.IFNAMSIZ, false, "oifname")
		l.key = keyOutput
	case unix.NFT_META_IIFNAME:
		l = opaque(unix.IFNAMSIZ, "iifname")
		l.key = keyInput
	case unix.NFT_META_IIF:
		l = opaque(4, "iif")
	case unix.NFT_META_PRANDOM:
		l = field(netfilter.Random, 4, false, "meta random")
		l.operand.High = 1<<32 - 1
	default:
		l = opaque(metaLength(kind), metaName(kind))
	}
	d.registers.set(a.uint32(unix.NFTA_META_DREG), l)
}

// metaSet sets the packet's mark, or another property.
func (d *decoder) metaSet(kind uint32, l load) {
	switch kind {
	case unix.NFT_META_MARK:
		o := l.operand
		if o.Length != 4 || o.Field == netfilter.Random {
			o = netfilter.Operand{Length: 4}
		}
		if b := l.constant(); len(b) == 4 {
			o = netfilter.Operand{Field: netfilter.Constant, Length: 4, Constant: d.network(b)}
		} else if !l.host {
			o = netfilter.Operand{Length: 4}
		}
		d.effect(netfilter.SetMark{To: o}, "-j MARK …", "meta mark set "+d.valueText(l))
		d.registers.forget(netfilter.Mark)
	case unix.NFT_META_NFTRACE:
		d.addText("-j TRACE", "meta nftrace set …")
	case unix.NFT_META_PRIORITY, unix.NFT_META_PKTTYPE, unix.NFT_META_SECMARK:
		d.addText("", metaName(kind)+" set …")
	default:
		d.verdict(netfilter.Verdict{Action: netfilter.Other, Name: metaName(kind) + " set"}, "", metaName(kind)+" set …")
	}
}

// fib looks an address up in the routing table.
func (d *decoder) fib(a attributes) {
	flags := a.uint32(unix.NFTA_FIB_FLAGS)
	l := opaque(4, "fib")
	switch a.uint32(unix.NFTA_FIB_RESULT) {
	case unix.NFT_FIB_RESULT_ADDRTYPE:
		switch flags {
		case unix.NFTA_FIB_F_DADDR:
			l = load{operand: netfilter.Operand{Field: netfilter.DestinationType, Length: 4}, host: true, text: "fib daddr type"}
		case unix.NFTA_FIB_F_SADDR:
			l = load{operand: netfilter.Operand{Field: netfilter.SourceType, Length: 4}, host: true, text: "fib saddr type"}
		}
	case unix.NFT_FIB_RESULT_OIFNAME:
		l = opaque(unix.IFNAMSIZ, "fib")
	}
	if flags&unix.NFTA_FIB_F_PRESENT != 0 {
		l = opaque(4, "fib")
	}
	d.registers.set(a.uint32(unix.NFTA_FIB_DREG), l)
}

// numgen generates a number, at random or by counting.
func (d *decoder) numgen(a attributes) {
	modulus, offset := a.uint32(unix.NFTA_NG_MODULUS), a.uint32(unix.NFTA_NG_OFFSET)
	l := opaque(4, fmt.Sprintf("numgen inc mod %d", modulus))
	if high := offset + modulus - 1; a.uint32(unix.NFTA_NG_TYPE) == unix.NFT_NG_RANDOM && modulus > 0 && high >= offset {
		l = load{operand: netfilter.Operand{Field: netfilter.Random, Length: 4, Low: offset, High: high}, host: true}
		l.text = fmt.Sprintf("numgen random mod %d", modulus)
	}
	d.registers.set(a.uint32(unix.NFTA_NG_DREG), l)
}

// ct loads or sets a property of the connection. None of them is a field of
// pkg/netfilter.
func (d *decoder) ct(a attributes) {
	if a.has(unix.NFTA_CT_SREG) {
		d.addText("", "ct … set …")
		return
	}
	d.registers.set(a.uint32(unix.NFTA_CT_DREG), opaque(16, ctName(a.uint32(unix.NFTA_CT_KEY))))
}
