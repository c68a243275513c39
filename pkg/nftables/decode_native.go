// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import "golang.org/x/sys/unix"

// A rule is native if iptables-nft 1.8.7 to 1.8.13 would not have written it: if
// it has an expression that iptables-nft never emits, compares something that
// iptables-nft does not compare, or has one of iptables' options twice. For such
// a rule "iptables -S" fails, or prints something else than the kernel does: it
// leaves out set lookups, and of two comparisons of one address it prints the
// last. A rule that nft(8) wrote but that has only what iptables-nft emits,
// such as "ip daddr 10.0.0.0/8 counter return", is not native: iptables lists
// it, and can delete it. A comment in the user data makes a rule native, since
// iptables-nft writes comments as a match.

// emitted reports whether iptables-nft emits such an expression. For comparisons see
// compared.
func emitted(name string, a attributes) bool {
	switch name {
	case "match", "target", "cmp", "bitwise", "counter", "range":
		return true
	case "payload":
		base := a.uint32(unix.NFTA_PAYLOAD_BASE)
		return !a.has(unix.NFTA_PAYLOAD_SREG) && (base == unix.NFT_PAYLOAD_NETWORK_HEADER || base == unix.NFT_PAYLOAD_TRANSPORT_HEADER)
	case "meta":
		switch a.uint32(unix.NFTA_META_KEY) {
		case unix.NFT_META_L4PROTO, unix.NFT_META_IIFNAME, unix.NFT_META_OIFNAME, unix.NFT_META_MARK:
			return !a.has(unix.NFTA_META_SREG)
		case unix.NFT_META_NFTRACE: // the target TRACE
			return a.has(unix.NFTA_META_SREG)
		}
	case "immediate":
		if a.uint32(unix.NFTA_IMMEDIATE_DREG) == unix.NFT_REG_VERDICT {
			return true
		}
		value, _ := dataValue(attributes{0: a[unix.NFTA_IMMEDIATE_DATA]}, 0)
		return len(value) == 1 // what TRACE sets
	case "limit":
		return a.uint32(unix.NFTA_LIMIT_TYPE) == unix.NFT_LIMIT_PKTS && a.uint32(unix.NFTA_LIMIT_FLAGS) == 0
	case "log":
		return a.has(unix.NFTA_LOG_GROUP) // the target NFLOG
	}
	return false
}

// compared marks the rule as native if iptables-nft does not emit such a
// comparison.
func (d *decoder) compared(l load, op uint32) {
	equality := op == unix.NFT_CMP_EQ || op == unix.NFT_CMP_NEQ
	maskable := l.key == keySource || l.key == keyDestination || l.key == keyMark || l.key == keyFragment || l.key == keyTransport
	switch {
	case l.operand.Xor != nil || l.operand.Mask != nil && !maskable:
		d.native = true
	case l.key == keyTransport:
		if !d.isPort(l) {
			d.native = true
		}
	case l.key == keyOther || !equality || d.options[l.key]:
		d.native = true
	default:
		if d.options == nil {
			d.options = map[key]bool{}
		}
		d.options[l.key] = true
	}
}

// isPort reports whether a value is of the header of a protocol whose matches
// iptables-nft writes natively: tcp, udp and icmp, from 1.8.8 on.
func (d *decoder) isPort(l load) bool {
	switch d.protocol {
	case unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6:
		return l.key == keyTransport
	}
	return false
}

// transportText is the text of a comparison with the transport header.
func (d *decoder) transportText() string {
	name := protocolName(d.protocol)
	if d.protocol == unix.IPPROTO_ICMPV6 {
		name = "icmp6"
	}
	return "-m " + name + " …"
}
