// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"bytes"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// fit returns a value and constants of the same length. A shorter constant is
// compared with the first bytes of the value. A longer one may end only in the zeros
// with which a register is padded.
func fit(l load, constants ...[]byte) (load, [][]byte, bool) {
	length := len(constants[0])
	for _, c := range constants {
		if len(c) != length || length == 0 {
			return l, nil, false
		}
	}
	have := l.operand.Length
	if length > have && wordsOf(length) == wordsOf(have) {
		for i, c := range constants {
			if len(bytes.Trim(c[have:], "\x00")) > 0 {
				return l, nil, false
			}
			constants[i] = c[:have]
		}
		return l, constants, true
	}
	l, ok := l.first(length)
	return l, constants, ok
}

// cmp compares a value with a constant.
func (d *decoder) cmp(a attributes) error {
	data, err := dataValue(a, unix.NFTA_CMP_DATA)
	if err != nil {
		return err
	}
	op := a.uint32(unix.NFTA_CMP_OP)
	l, constants, ok := fit(d.registers.get(a.uint32(unix.NFTA_CMP_SREG)), data)
	if !ok || op > unix.NFT_CMP_GTE {
		d.mayFail("cmp")
		return nil
	}
	data = constants[0]
	if l.operand.Field == netfilter.NFProto && op == unix.NFT_CMP_EQ && len(data) == 1 {
		d.layer = data[0]
	}
	equal := op == unix.NFT_CMP_EQ || op == unix.NFT_CMP_NEQ
	if l.host && equal {
		data, l.host = d.network(data), false
	}
	d.compared(l, op)
	if l.key == keyFragment && (!bytes.Equal(l.operand.Mask, []byte{0x1f, 0xff}) || data[0] != 0 || data[len(data)-1] != 0) {
		d.native = true
	}
	if l.key == keyProtocol && op == unix.NFT_CMP_EQ {
		d.protocol = data[0]
	}
	text := d.comparison(l, op, data)
	if l.host { // the order of bytes is not that of numbers
		d.add(netfilter.NotUnderstood(""), text)
		return nil
	}
	if d.mergeRange(l, op, data) {
		return nil
	}
	if op == unix.NFT_CMP_EQ && d.split(l, data) {
		return nil
	}
	low, high := bytes.Repeat([]byte{0}, len(data)), bytes.Repeat([]byte{0xff}, len(data))
	var ranges []netfilter.Range
	switch op {
	case unix.NFT_CMP_EQ, unix.NFT_CMP_NEQ:
		ranges = append(ranges, netfilter.Range{From: data, To: data})
	case unix.NFT_CMP_LTE:
		ranges = append(ranges, netfilter.Range{From: low, To: data})
	case unix.NFT_CMP_GTE:
		ranges = append(ranges, netfilter.Range{From: data, To: high})
	case unix.NFT_CMP_LT:
		if !bytes.Equal(data, low) {
			ranges = append(ranges, netfilter.Range{From: low, To: netfilter.Predecessor(data)})
		}
	case unix.NFT_CMP_GT:
		if !bytes.Equal(data, high) {
			ranges = append(ranges, netfilter.Range{From: netfilter.Successor(data), To: high})
		}
	}
	d.condition([]load{l}, elementsOf(ranges), op == unix.NFT_CMP_NEQ, text)
	return nil
}

func elementsOf(ranges []netfilter.Range) []netfilter.Element {
	var out []netfilter.Element
	for _, r := range ranges {
		out = append(out, netfilter.Element{Key: []netfilter.Range{r}})
	}
	return out
}

// mergeRange turns "at least" and "at most", one after the other, into one
// condition, as older versions of nft(8) write a range.
func (d *decoder) mergeRange(l load, op uint32, data []byte) bool {
	if op != unix.NFT_CMP_LTE || len(d.rule.Steps) == 0 || len(d.clauses) == 0 {
		return false
	}
	last := len(d.rule.Steps) - 1
	c, ok := d.rule.Steps[last].(netfilter.Condition)
	if !ok || !c.Understood() || c.Negated || len(c.Key) != 1 || len(c.Elements) != 1 || l.operand.Field == netfilter.Random || !sameOperand(c.Key[0], l.operand) {
		return false
	}
	r := &c.Elements[0].Key[0]
	if len(r.To) != len(data) || len(bytes.Trim(r.To, "\xff")) > 0 || bytes.Compare(r.From, data) > 0 {
		return false
	}
	r.To = data
	d.native = d.native || !d.isPort(l)
	d.clauses[len(d.clauses)-1].nft = l.text + " " + d.formatted(l, r.From) + "-" + d.formatted(l, data)
	return true
}

func sameOperand(a, b netfilter.Operand) bool {
	return a.Field == b.Field && a.Offset == b.Offset && a.Length == b.Length && bytes.Equal(a.Mask, b.Mask) && bytes.Equal(a.Xor, b.Xor)
}

// split makes two conditions of one on source and destination, which nft(8)
// compares at once because they are next to each other in the header.
func (d *decoder) split(l load, data []byte) bool {
	o := l.operand
	if o.Field != netfilter.NetworkHeader || l.unsure || o.Mask != nil || o.Xor != nil {
		return false
	}
	f := d.packetFamily()
	at := f.AddressBytes()
	if o.Offset != f.SourceOffset() || o.Length <= at || o.Length > 2*at {
		return false
	}
	source, _ := l.first(at)
	destination := l.from(at)
	for i, part := range []load{source, destination} {
		part.text = d.headerName(unix.NFT_PAYLOAD_NETWORK_HEADER, part.operand.Offset, part.operand.Length)
		part.key = d.keyOf(unix.NFT_PAYLOAD_NETWORK_HEADER, part.operand.Offset, part.operand.Length)
		b := data[:at]
		if i == 1 {
			b = data[at:]
		}
		d.condition([]load{part}, elementsOf([]netfilter.Range{{From: b, To: b}}), false, d.comparison(part, unix.NFT_CMP_EQ, b))
	}
	return true
}

// byRange compares a value with a range.
func (d *decoder) byRange(a attributes) error {
	from, err := dataValue(a, unix.NFTA_RANGE_FROM_DATA)
	if err != nil {
		return err
	}
	to, err := dataValue(a, unix.NFTA_RANGE_TO_DATA)
	if err != nil {
		return err
	}
	op := a.uint32(unix.NFTA_RANGE_OP)
	l, ends, ok := fit(d.registers.get(a.uint32(unix.NFTA_RANGE_SREG)), from, to)
	if !ok || l.host || op > unix.NFT_RANGE_NEQ {
		d.mayFail("range")
		return nil
	}
	if !d.isPort(l) {
		d.native = true
	}
	relation := ""
	if op == unix.NFT_RANGE_NEQ {
		relation = "!= "
	}
	text := clause{order: byMatch, iptables: d.transportText(), nft: l.text + " " + relation + d.formatted(l, ends[0]) + "-" + d.formatted(l, ends[1])}
	d.condition([]load{l}, elementsOf([]netfilter.Range{{From: ends[0], To: ends[1]}}), op == unix.NFT_RANGE_NEQ, text)
	return nil
}
