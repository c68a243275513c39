// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/printable"
)

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
		if n, names := number(data), netfilter.TypeNames(); int(n) < len(names) {
			return strings.ToLower(names[n])
		}
	case strings.HasPrefix(l.text, "th ") && len(data) == 2,
		(l.operand.Field == netfilter.Random || l.operand.Field == netfilter.OutIndex) && len(data) == 4:
		return fmt.Sprint(number(data))
	}
	return fmt.Sprintf("0x%x", data)
}

// number returns the number of bytes in network byte order.
func number(b []byte) (n uint32) {
	for _, c := range b {
		n = n<<8 | uint32(c)
	}
	return n
}

// prefix returns the bytes of an address as an address, a prefix, or an address
// and a mask.
func (d *decoder) prefix(l load, data []byte, always bool) string {
	full := make([]byte, d.packetFamily().AddressBytes())
	n := copy(full, data)
	addr, _ := netip.AddrFromSlice(full)
	length := n * 8
	if m := l.operand.Mask; m != nil {
		length = 0
		for _, b := range m {
			length += bits.LeadingZeros8(^b)
			if b != 0xff {
				break
			}
		}
		if len(m) == len(full) && !bytes.Equal(net.CIDRMask(length, len(m)*8), m) {
			mask, _ := netip.AddrFromSlice(m)
			return fmt.Sprintf("%s/%s", addr, mask)
		}
	}
	if length == addr.BitLen() && !always {
		return addr.String()
	}
	return fmt.Sprintf("%s/%d", addr, length)
}

// interfaceText returns the name of a device. A name without a zero byte at its end
// matches all names that begin with it.
func interfaceText(data []byte, wildcard string) string {
	if bytes.IndexByte(data, 0) < 0 && len(data) < unix.IFNAMSIZ {
		return printable.Line(string(data)) + wildcard
	}
	return printable.Line(unix.ByteSliceToString(data))
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

// maxListed is the maximum number of elements in the text of a set.
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
		return out + " @" + printable.Line(s.name)
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
