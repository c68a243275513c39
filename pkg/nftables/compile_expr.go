// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"encoding/binary"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// expr is one step of a rule in the kernel's encoding, which is described in
// linux/netfilter/nf_tables.h. Above each constructor are the words in which
// "nft --debug=netlink list table" prints it.
type expr struct {
	name       string
	attributes []netlink.Attribute
	set        *setLayout // of a lookup
}

// [ fib daddr type => reg 1 ]
func exprFibDestinationType() expr {
	return expr{name: "fib", attributes: []netlink.Attribute{
		attrNumber(unix.NFTA_FIB_DREG, unix.NFT_REG_1),
		attrNumber(unix.NFTA_FIB_RESULT, unix.NFT_FIB_RESULT_ADDRTYPE),
		attrNumber(unix.NFTA_FIB_FLAGS, unix.NFTA_FIB_F_DADDR),
	}}
}

// [ cmp eq reg 1 VALUE ]
func exprCompareEqual(value []byte) expr {
	return expr{name: "cmp", attributes: []netlink.Attribute{
		attrNumber(unix.NFTA_CMP_SREG, unix.NFT_REG_1),
		attrNumber(unix.NFTA_CMP_OP, unix.NFT_CMP_EQ),
		attrNested(unix.NFTA_CMP_DATA, attrBytes(unix.NFTA_DATA_VALUE, value)),
	}}
}

// [ payload load 4b @ network header + 16 => reg 1 ], for IPv6 16b and + 24
func exprPayloadDestination(f netfilter.Family) expr {
	return exprPayloadAddress(f, f.DestinationOffset())
}

// [ payload load 4b @ network header + 12 => reg 1 ], for IPv6 16b and + 8
func exprPayloadSource(f netfilter.Family) expr {
	return exprPayloadAddress(f, f.SourceOffset())
}

func exprPayloadAddress(f netfilter.Family, offset int) expr {
	return expr{name: "payload", attributes: []netlink.Attribute{
		attrNumber(unix.NFTA_PAYLOAD_DREG, unix.NFT_REG_1),
		attrNumber(unix.NFTA_PAYLOAD_BASE, unix.NFT_PAYLOAD_NETWORK_HEADER),
		attrNumber(unix.NFTA_PAYLOAD_OFFSET, uint32(offset)),
		attrNumber(unix.NFTA_PAYLOAD_LEN, uint32(f.AddressBytes())),
	}}
}

// [ meta load l4proto => reg 1 ]
func exprMetaL4Proto() expr {
	return expr{name: "meta", attributes: []netlink.Attribute{
		attrNumber(unix.NFTA_META_KEY, unix.NFT_META_L4PROTO),
		attrNumber(unix.NFTA_META_DREG, unix.NFT_REG_1),
	}}
}

// [ lookup reg 1 set NAME ], for a verdict map [ lookup reg 1 set NAME dreg 0 ]
func exprLookup(s *setLayout) expr {
	e := expr{name: "lookup", set: s, attributes: []netlink.Attribute{
		attrNumber(unix.NFTA_LOOKUP_SREG, unix.NFT_REG_1),
	}}
	if s.verdicts {
		e.attributes = append(e.attributes, attrNumber(unix.NFTA_LOOKUP_DREG, unix.NFT_REG_VERDICT))
	}
	return e
}

// [ lookup reg 1 set NAME 0x1 ]
func exprLookupNot(s *setLayout) expr {
	e := exprLookup(s)
	e.attributes = append(e.attributes, attrNumber(unix.NFTA_LOOKUP_FLAGS, unix.NFT_LOOKUP_F_INV))
	return e
}

// [ numgen reg 1 = random mod N ]
func exprNumgenRandom(n uint32) expr {
	return expr{name: "numgen", attributes: []netlink.Attribute{
		attrNumber(unix.NFTA_NG_DREG, unix.NFT_REG_1),
		attrNumber(unix.NFTA_NG_MODULUS, n),
		attrNumber(unix.NFTA_NG_TYPE, unix.NFT_NG_RANDOM),
	}}
}

// [ byteorder reg 1 = hton(reg 1, 4, 4) ]
func exprByteorderHTON() expr {
	return expr{name: "byteorder", attributes: []netlink.Attribute{
		attrNumber(unix.NFTA_BYTEORDER_SREG, unix.NFT_REG_1),
		attrNumber(unix.NFTA_BYTEORDER_DREG, unix.NFT_REG_1),
		attrNumber(unix.NFTA_BYTEORDER_OP, unix.NFT_BYTEORDER_HTON),
		attrNumber(unix.NFTA_BYTEORDER_LEN, 4),
		attrNumber(unix.NFTA_BYTEORDER_SIZE, 4),
	}}
}

// [ counter pkts 0 bytes 0 ]
func exprCounter() expr { return expr{name: "counter"} }

// [ immediate reg 0 accept ]
func exprAccept() expr {
	return exprImmediate(unix.NFT_REG_VERDICT, verdictData(verdictAccept, ""))
}

// [ immediate reg 0 goto -> CHAIN ]
func exprGoto(chain string) expr {
	return exprImmediate(unix.NFT_REG_VERDICT, verdictData(unix.NFT_GOTO, chain))
}

// [ immediate reg R PORT ]
func exprImmediatePort(register uint32, port uint16) expr {
	return exprImmediate(register, attrBytes(unix.NFTA_DATA_VALUE, binary.BigEndian.AppendUint16(nil, port)))
}

func exprImmediate(register uint32, data netlink.Attribute) expr {
	return expr{name: "immediate", attributes: []netlink.Attribute{
		attrNumber(unix.NFTA_IMMEDIATE_DREG, register),
		attrNested(unix.NFTA_IMMEDIATE_DATA, data),
	}}
}

const natType = "nat" // NFTA_CHAIN_TYPE of a chain that translates addresses

// verdictData returns the data of a verdict. Only jump and goto name a chain.
func verdictData(code int32, chain string) netlink.Attribute {
	attrs := []netlink.Attribute{attrNumber(unix.NFTA_VERDICT_CODE, uint32(code))}
	if chain != "" {
		attrs = append(attrs, attrText(unix.NFTA_VERDICT_CHAIN, chain))
	}
	return attrNested(unix.NFTA_DATA_VERDICT, attrs...)
}

// [ masq flags FLAGS ]
func exprMasq(flags uint32) expr {
	e := expr{name: "masq"}
	if flags != 0 {
		e.attributes = append(e.attributes, attrNumber(unix.NFTA_MASQ_FLAGS, flags))
	}
	return e
}

// [ masq proto_min reg 1 proto_max reg MAX flags FLAGS ]
func exprMasqPorts(maxRegister, flags uint32) expr {
	return expr{name: "masq", attributes: []netlink.Attribute{
		attrNumber(unix.NFTA_MASQ_REG_PROTO_MIN, unix.NFT_REG_1),
		attrNumber(unix.NFTA_MASQ_REG_PROTO_MAX, maxRegister),
		attrNumber(unix.NFTA_MASQ_FLAGS, flags|unix.NF_NAT_RANGE_PROTO_SPECIFIED),
	}}
}
