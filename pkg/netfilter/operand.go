// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

// Field is a property of a packet that a rule can test. Its bytes are in network
// byte order, even if the kernel stores them in host byte order.
type Field uint8

// The fields. Opaque stands for all others; their value is unknown.
const (
	Opaque          Field = iota
	NetworkHeader         // the IP header
	Mark                  // 4 bytes
	NFProto               // 1 byte: NFPROTO_IPV4 or NFPROTO_IPV6
	EtherType             // 2 bytes: ETH_P_IP or ETH_P_IPV6
	L4Proto               // 1 byte: IPPROTO_TCP and so on
	OutName               // 16 bytes, padded with zeros
	OutIndex              // 4 bytes
	DestinationType       // 4 bytes: RTN_LOCAL and so on, as fib daddr type
	SourceType            // 4 bytes, as fib saddr type
	Random                // 4 bytes: any number from Low to High
	Constant              // the bytes of Operand.Constant
)

// Operand is a value that a rule reads from a packet: Length bytes of a field,
// starting at Offset, transformed to (bytes & Mask) ^ Xor.
type Operand struct {
	Field          Field
	Offset, Length int    // in bytes
	Mask, Xor      []byte // Length bytes each, or nil
	Low, High      uint32 // of Random
	Constant       []byte // of Constant
}

// of returns the operand's value for a packet.
func (o Operand) of(s state) value {
	var v value
	switch o.Field {
	case NetworkHeader:
		v = s.network
	case Mark:
		v = s.mark
	case NFProto:
		v = knownValue([]byte{nfprotoIPv4})
		if s.family == IPv6 {
			v = knownValue([]byte{nfprotoIPv6})
		}
	case EtherType:
		v = knownValue([]byte{0x08, 0x00})
		if s.family == IPv6 {
			v = knownValue([]byte{0x86, 0xdd})
		}
	case L4Proto:
		v = s.protocol
	case OutName:
		v = s.outName
	case OutIndex:
		v = s.outIndex
	case DestinationType:
		v = s.destinationType
	case SourceType:
		v = s.sourceType
	case Constant:
		v = knownValue(o.Constant)
	}
	return v.slice(o.Offset, o.Length).masked(o.Mask, o.Xor)
}

// bounds returns the lowest and the highest value that the operand can have.
func (o Operand) bounds(v value) (low, high []byte) {
	if o.Field == Random && o.Length == 4 && o.Mask == nil && o.Xor == nil {
		return Number(o.Low), Number(o.High)
	}
	return v.lowest(), v.highest()
}
