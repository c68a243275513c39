// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"bytes"
	"encoding/binary"
	"fmt"
	mathbits "math/bits"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// key is a value that iptables has an option of its own for.
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

// addressOf returns the family and the side of an address of which bytes of the
// network header are the beginning. layer is the packet's family.
func addressOf(layer uint8, offset, length int) (f netfilter.Family, source, ok bool) {
	f = netfilter.IPv4
	if layer == protoIPv6 {
		f = netfilter.IPv6
	}
	size := f.DestinationOffset() - f.SourceOffset()
	ok = layer != protoInet && length <= size && (offset == f.SourceOffset() || offset == f.DestinationOffset())
	return f, offset == f.SourceOffset(), ok
}

func keyOf(base uint32, offset, length int, layer uint8) key {
	if base == unix.NFT_PAYLOAD_TRANSPORT_HEADER {
		return keyTransport
	}
	if base != unix.NFT_PAYLOAD_NETWORK_HEADER || length == 0 {
		return keyOther
	}
	_, source, ok := addressOf(layer, offset, length)
	switch {
	case ok && source:
		return keySource
	case ok:
		return keyDestination
	case layer == protoIPv4 && offset == 9 && length == 1:
		return keyProtocol
	case layer == protoIPv4 && offset == 6 && length == 2:
		return keyFragment
	}
	return keyOther
}

// headerName names bytes of a header as nft(8) does: "ip daddr", or
// "@th,16,16" in bits where it has no name.
func (d *decoder) headerName(base uint32, offset, length int) string {
	switch base {
	case unix.NFT_PAYLOAD_NETWORK_HEADER:
		f, source, ok := addressOf(d.layer, offset, length)
		if ok && length > 0 {
			side := "daddr"
			if source {
				side = "saddr"
			}
			return map[netfilter.Family]string{netfilter.IPv4: "ip ", netfilter.IPv6: "ip6 "}[f] + side
		}
		if d.layer == protoIPv4 && offset == 9 && length == 1 {
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

// comparison returns the text of a comparison with a constant. The constant is
// in network byte order.
func (d *decoder) comparison(l load, op uint32, data []byte) clause {
	relation := map[uint32]string{unix.NFT_CMP_NEQ: "!= ", unix.NFT_CMP_LT: "< ", unix.NFT_CMP_LTE: "<= ", unix.NFT_CMP_GT: "> ", unix.NFT_CMP_GTE: ">= "}[op]
	masked := ""
	if m := l.operand.Mask; m != nil && l.key != keySource && l.key != keyDestination {
		masked = fmt.Sprintf(" & 0x%x", m)
		if relation == "" {
			relation = "== "
		}
	}
	c := clause{order: byMatch, nft: l.text + masked + " " + relation + d.formatted(l, data), step: -1}
	not := ""
	if op == unix.NFT_CMP_NEQ {
		not = "! "
	}
	switch l.key {
	case keySource:
		c.order, c.iptables = bySource, not+"-s "+d.prefix(l, data, true)
	case keyDestination:
		c.order, c.iptables = byDestination, not+"-d "+d.prefix(l, data, true)
	case keyProtocol:
		c.order, c.iptables = byProtocol, not+"-p "+protocolName(data[0])
	case keyInput:
		c.order, c.iptables = byInput, not+"-i "+interfaceText(data, "+")
	case keyOutput:
		c.order, c.iptables = byOutput, not+"-o "+interfaceText(data, "+")
	case keyFragment: // "not at the beginning" is -f
		c.order, c.iptables = byFragment, "-f"
		if op == unix.NFT_CMP_EQ {
			c.iptables = "! -f"
		}
	case keyMark:
		if len(data) == 4 {
			mask := uint32(1<<32 - 1)
			if len(l.operand.Mask) == 4 {
				mask = binary.BigEndian.Uint32(l.operand.Mask)
			}
			c.iptables = markOption(binary.BigEndian.Uint32(data), mask, op == unix.NFT_CMP_NEQ)
		}
	default:
		c.iptables = d.transportText()
	}
	return c
}

// formatted returns a constant as nft(8) prints it beside a value.
func (d *decoder) formatted(l load, data []byte) string {
	switch {
	case l.key == keySource || l.key == keyDestination:
		return d.prefix(l, data, false)
	case l.key == keyProtocol && len(data) == 1:
		return protocolName(data[0])
	case l.operand.Field == netfilter.OutName || l.key == keyInput:
		return `"` + interfaceText(data, "*") + `"`
	case l.operand.Field == netfilter.NFProto && len(data) == 1:
		return protoName(data[0])
	case l.operand.Field == netfilter.DestinationType || l.operand.Field == netfilter.SourceType:
		if n := binary.BigEndian.Uint32(append(make([]byte, 4), data...)[len(data):]); int(n) < len(addressTypes) {
			return strings.ToLower(addressTypes[n])
		}
	case strings.HasPrefix(l.text, "th ") && len(data) == 2, l.operand.Field == netfilter.Random && len(data) == 4:
		n := uint32(0)
		for _, b := range data {
			n = n<<8 | uint32(b)
		}
		return fmt.Sprint(n)
	case l.operand.Field == netfilter.OutIndex && len(data) == 4:
		return fmt.Sprint(binary.BigEndian.Uint32(data))
	}
	return fmt.Sprintf("0x%x", data)
}

// prefix returns the bytes of an address as an address, a prefix, or an address
// and a mask.
func (d *decoder) prefix(l load, data []byte, always bool) string {
	full := make([]byte, 4)
	if d.layer == protoIPv6 {
		full = make([]byte, 16)
	}
	n := copy(full, data)
	addr, _ := netip.AddrFromSlice(full)
	bits := n * 8
	if m := l.operand.Mask; m != nil {
		bits = 0
		for _, b := range m {
			bits += mathbits.LeadingZeros8(^b)
			if b != 0xff {
				break
			}
		}
		if !bytes.Equal(maskOf(bits, len(m)), m) && len(m) == len(full) {
			mask, _ := netip.AddrFromSlice(m)
			return fmt.Sprintf("%s/%s", addr, mask)
		}
	}
	if bits == addr.BitLen() && !always {
		return addr.String()
	}
	return fmt.Sprintf("%s/%d", addr, bits)
}

// maskOf returns a mask of bytes whose first bits are set.
func maskOf(bits, length int) []byte {
	out := make([]byte, length)
	for i := range bits {
		out[i/8] |= 0x80 >> (i % 8)
	}
	return out
}

// interfaceText returns the name of a device. A name that is not ended by a zero
// stands for all that begin with it.
func interfaceText(data []byte, wildcard string) string {
	if bytes.IndexByte(data, 0) < 0 && len(data) < unix.IFNAMSIZ {
		return escaped(string(data)) + wildcard
	}
	return escaped(cString(data))
}

// valueText returns a value that something is set to.
func (d *decoder) valueText(l load) string {
	if b := l.constant(); b != nil {
		return fmt.Sprintf("0x%x", d.network(b))
	}
	out := l.text
	if l.operand.Mask != nil {
		out += fmt.Sprintf(" & 0x%x", l.operand.Mask)
	}
	if l.operand.Xor != nil {
		out += fmt.Sprintf(" ^ 0x%x", l.operand.Xor)
	}
	return out
}

// maxListed is how many elements of a set its text names.
const maxListed = 4

// setText returns the text of a lookup. The elements are in network byte order.
func (d *decoder) setText(keys []load, elements []netfilter.Element, s *set, negated bool) string {
	var names []string
	for _, k := range keys {
		names = append(names, k.text)
	}
	out := strings.Join(names, " . ")
	if negated {
		out += " !="
	}
	if s.verdicts {
		out += " vmap"
	}
	if s.flags&unix.NFT_SET_ANONYMOUS == 0 {
		return out + " @" + escaped(s.name)
	}
	if len(keys) != 1 || s.flags&unix.NFT_SET_MAP != 0 || len(elements) == 0 || len(elements) > maxListed {
		return out + " { … }"
	}
	var list []string
	for _, e := range elements {
		text := d.formatted(keys[0], e.Key[0].From)
		if !bytes.Equal(e.Key[0].From, e.Key[0].To) {
			text += "-" + d.formatted(keys[0], e.Key[0].To)
		}
		list = append(list, text)
	}
	return out + " { " + strings.Join(list, ", ") + " }"
}

func protoName(family uint8) string {
	switch family {
	case protoIPv4:
		return "ipv4"
	case protoIPv6:
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
