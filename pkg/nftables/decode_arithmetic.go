// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// bitwise computes (value & mask) ^ xor, or something that is not understood.
func (d *decoder) bitwise(a attributes) error {
	l := d.registers.get(a.uint32(unix.NFTA_BITWISE_SREG))
	length := int(a.uint32(unix.NFTA_BITWISE_LEN))
	mask, err := dataValue(a, unix.NFTA_BITWISE_MASK)
	if err != nil {
		return err
	}
	xor, err := dataValue(a, unix.NFTA_BITWISE_XOR)
	if err != nil {
		return err
	}
	if length > words*wordBytes || length < 0 {
		length = words * wordBytes
	}
	out, ok := l.first(length)
	if !ok || a.uint32(bitwiseOp) != 0 || len(mask) != length || len(xor) != length || length == 0 {
		out = opaque(length, l.text)
	} else if l.operand.Field != netfilter.Opaque {
		if out.host {
			mask, xor = d.network(mask), d.network(xor)
		}
		out.operand.Mask, out.operand.Xor = combine(out.operand, mask, xor)
	}
	d.registers.set(a.uint32(unix.NFTA_BITWISE_DREG), out)
	return nil
}

// combine returns the mask and xor of an operand after another mask and xor:
// ((v & m) ^ x) & mask ^ xor = v & (m & mask) ^ (x & mask ^ xor).
func combine(o netfilter.Operand, mask, xor []byte) (m, x []byte) {
	m, x = make([]byte, len(mask)), make([]byte, len(mask))
	zero := true
	for i := range mask {
		m[i], x[i] = mask[i], xor[i]
		if o.Mask != nil {
			m[i] &= o.Mask[i]
		}
		if o.Xor != nil {
			x[i] ^= o.Xor[i] & mask[i]
		}
		zero = zero && x[i] == 0
	}
	if zero {
		x = nil
	}
	return m, x
}

// byteorder turns a number from the byte order of the host to that of the
// network or back.
func (d *decoder) byteorder(a attributes) {
	l := d.registers.get(a.uint32(unix.NFTA_BYTEORDER_SREG))
	length, size := int(a.uint32(unix.NFTA_BYTEORDER_LEN)), int(a.uint32(unix.NFTA_BYTEORDER_SIZE))
	toNetwork := a.uint32(unix.NFTA_BYTEORDER_OP) == unix.NFT_BYTEORDER_HTON
	if length == l.operand.Length && size == length && toNetwork == l.host {
		l.host = !l.host
	} else {
		l = opaque(l.operand.Length, l.text)
	}
	d.registers.set(a.uint32(unix.NFTA_BYTEORDER_DREG), l)
}

// network turns the bytes of a number in the host's byte order, which have 4 or
// 2 bytes, to network byte order.
func (d *decoder) network(b []byte) []byte {
	switch len(b) {
	case 4:
		return binary.BigEndian.AppendUint32(nil, d.host.Uint32(b))
	case 2:
		return binary.BigEndian.AppendUint16(nil, d.host.Uint16(b))
	}
	return b
}
