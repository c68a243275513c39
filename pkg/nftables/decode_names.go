// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"fmt"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// key is a value for which iptables has an option.
type key uint8

const (
	keyOther key = iota
	keySource
	keyDestination
	keyProtocol
	keyInput
	keyOutput
	keyFragment
	keyMark
	keyTransport // the transport header
)

// packetFamily returns the family of the packet, and IPv4 if it is not known.
func (d *decoder) packetFamily() netfilter.Family {
	if d.layer == unix.NFPROTO_IPV6 {
		return netfilter.IPv6
	}
	return netfilter.IPv4
}

// addressOf returns the side of the address that begins with the given bytes of the
// network header.
func (d *decoder) addressOf(offset, length int) (source, ok bool) {
	f := d.packetFamily()
	ok = d.layer != unix.NFPROTO_INET && length <= f.AddressBytes() && (offset == f.SourceOffset() || offset == f.DestinationOffset())
	return offset == f.SourceOffset(), ok
}

func (d *decoder) keyOf(base uint32, offset, length int) key {
	if base == unix.NFT_PAYLOAD_TRANSPORT_HEADER {
		return keyTransport
	}
	if base != unix.NFT_PAYLOAD_NETWORK_HEADER || length == 0 {
		return keyOther
	}
	source, ok := d.addressOf(offset, length)
	switch {
	case ok && source:
		return keySource
	case ok:
		return keyDestination
	case d.layer == unix.NFPROTO_IPV4 && offset == 9 && length == 1:
		return keyProtocol
	case d.layer == unix.NFPROTO_IPV4 && offset == 6 && length == 2:
		return keyFragment
	}
	return keyOther
}

// headerName names bytes of a header as nft(8) does: "ip daddr", or
// "@th,16,16" in bits where it has no name.
func (d *decoder) headerName(base uint32, offset, length int) string {
	switch base {
	case unix.NFT_PAYLOAD_NETWORK_HEADER:
		source, ok := d.addressOf(offset, length)
		if ok && length > 0 {
			side := " daddr"
			if source {
				side = " saddr"
			}
			return d.packetFamily().NFT() + side
		}
		if d.layer == unix.NFPROTO_IPV4 && offset == 9 && length == 1 {
			return "ip protocol"
		}
		return fmt.Sprintf("@nh,%d,%d", offset*8, length*8)
	case unix.NFT_PAYLOAD_TRANSPORT_HEADER:
		if length == 2 && offset == 0 {
			return "th sport"
		}
		if length == 2 && offset == 2 {
			return "th dport"
		}
		return fmt.Sprintf("@th,%d,%d", offset*8, length*8)
	case unix.NFT_PAYLOAD_LL_HEADER:
		return fmt.Sprintf("@ll,%d,%d", offset*8, length*8)
	}
	return fmt.Sprintf("@ih,%d,%d", offset*8, length*8)
}

func protoName(family uint8) string {
	switch family {
	case unix.NFPROTO_IPV4:
		return "ipv4"
	case unix.NFPROTO_IPV6:
		return "ipv6"
	}
	return fmt.Sprint(family)
}

// protocolName returns the name that iptables-save prints for a protocol.
func protocolName(n byte) string {
	names := map[byte]string{1: "icmp", 2: "igmp", 4: "ipencap", 6: "tcp", 17: "udp", 33: "dccp", 41: "ipv6", 47: "gre", 50: "esp", 51: "ah", 58: "ipv6-icmp", 89: "ospf", 103: "pim", 112: "vrrp", 132: "sctp", 135: "ipv6-mh", 136: "udplite"}
	if name, ok := names[n]; ok {
		return name
	}
	return fmt.Sprint(n)
}

// metaName names a key of meta that is not known here otherwise.
func metaName(kind uint32) string {
	names := map[uint32]string{
		unix.NFT_META_LEN: "meta length", unix.NFT_META_PRIORITY: "meta priority", unix.NFT_META_IIFTYPE: "iiftype", unix.NFT_META_OIFTYPE: "oiftype",
		unix.NFT_META_SKUID: "meta skuid", unix.NFT_META_SKGID: "meta skgid", unix.NFT_META_NFTRACE: "meta nftrace", unix.NFT_META_RTCLASSID: "meta rtclassid",
		unix.NFT_META_PKTTYPE: "meta pkttype", unix.NFT_META_CPU: "meta cpu", unix.NFT_META_IIFGROUP: "iifgroup", unix.NFT_META_OIFGROUP: "oifgroup",
		unix.NFT_META_CGROUP: "meta cgroup", unix.NFT_META_SECMARK: "meta secmark",
	}
	if name, ok := names[kind]; ok {
		return name
	}
	return fmt.Sprintf("meta key %d", kind)
}

// metaLength is the number of bytes that a key of meta loads at most.
func metaLength(kind uint32) int {
	switch kind {
	case unix.NFT_META_IIFTYPE, unix.NFT_META_OIFTYPE:
		return 2
	case unix.NFT_META_PKTTYPE, unix.NFT_META_NFTRACE:
		return 1
	case unix.NFT_META_PRIORITY, unix.NFT_META_LEN, unix.NFT_META_SKUID, unix.NFT_META_SKGID, unix.NFT_META_RTCLASSID, unix.NFT_META_CPU, unix.NFT_META_IIFGROUP, unix.NFT_META_OIFGROUP, unix.NFT_META_CGROUP, unix.NFT_META_SECMARK:
		return 4
	}
	return unix.IFNAMSIZ
}

// ctName names a key of ct.
func ctName(kind uint32) string {
	names := map[uint32]string{unix.NFT_CT_STATE: "ct state", unix.NFT_CT_DIRECTION: "ct direction", unix.NFT_CT_STATUS: "ct status", unix.NFT_CT_MARK: "ct mark", unix.NFT_CT_ZONE: "ct zone", unix.NFT_CT_LABELS: "ct label"}
	if name, ok := names[kind]; ok {
		return name
	}
	return fmt.Sprintf("ct key %d", kind)
}
