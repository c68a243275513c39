// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// value is a byte string in network byte order of which some bits may be unknown.
// bits and known have the same length. Where a bit of known is 0, the bit of bits
// is 0 too.
type value struct{ bits, known []byte }

// unknownValue returns a value of which no bit is known.
func unknownValue(length int) value {
	return value{make([]byte, length), make([]byte, length)}
}

// knownValue returns a value of which every bit is known.
func knownValue(b []byte) value {
	return value{bytes.Clone(b), bytes.Repeat([]byte{0xff}, len(b))}
}

// clone returns a copy that shares no memory with v.
func (v value) clone() value { return value{bytes.Clone(v.bits), bytes.Clone(v.known)} }

// put overwrites the bytes from offset on with known ones.
func (v value) put(offset int, b []byte) {
	copy(v.bits[offset:], b)
	for i := range b {
		v.known[offset+i] = 0xff
	}
}

// forget makes a range of bytes unknown. What lies outside v is ignored.
func (v value) forget(offset, length int) {
	for i := max(offset, 0); i < min(offset+length, len(v.bits)); i++ {
		v.bits[i], v.known[i] = 0, 0
	}
}

// slice returns length bytes from offset on. Bytes outside v are unknown.
func (v value) slice(offset, length int) value {
	if offset >= 0 && offset+length <= len(v.bits) {
		return value{v.bits[offset : offset+length], v.known[offset : offset+length]}
	}
	out := unknownValue(length)
	for i := range length {
		if at := offset + i; at >= 0 && at < len(v.bits) {
			out.bits[i], out.known[i] = v.bits[at], v.known[at]
		}
	}
	return out
}

// masked returns (v & mask) ^ xor; bits that the mask clears are known.
// A nil mask or xor changes nothing.
func (v value) masked(mask, xor []byte) value {
	if mask == nil && xor == nil {
		return v
	}
	out := v.clone()
	for i := range out.bits {
		if i < len(mask) {
			out.bits[i] &= mask[i]
			out.known[i] |= ^mask[i]
		}
		if i < len(xor) {
			out.bits[i] ^= xor[i]
		}
		out.bits[i] &= out.known[i]
	}
	return out
}

// join returns what is known about a value that is either v or o.
func (v value) join(o value) value {
	out := v.clone()
	for i := range out.bits {
		out.known[i] = v.known[i] & o.known[i] &^ (v.bits[i] ^ o.bits[i])
		out.bits[i] &= out.known[i]
	}
	return out
}

// lowest and highest bound what the value can be.
func (v value) lowest() []byte { return v.bits }

func (v value) highest() []byte {
	out := bytes.Clone(v.bits)
	for i := range out {
		out[i] |= ^v.known[i]
	}
	return out
}

// is reports whether the value equals b.
func (v value) is(b []byte) Truth {
	t := Yes
	for i := range v.bits {
		if (v.bits[i]^b[i])&v.known[i] != 0 {
			return No
		}
		if v.known[i] != 0xff {
			t = Maybe
		}
	}
	return t
}

func (v value) equal(o value) bool {
	return bytes.Equal(v.bits, o.bits) && bytes.Equal(v.known, o.known)
}

// isKnown reports whether every bit is known.
func (v value) isKnown() bool {
	return !slices.ContainsFunc(v.known, func(b byte) bool { return b != 0xff })
}

// Number returns the value of a field of four bytes.
func Number(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// Successor returns b + 1, as a number in network byte order; 0 if b is the highest
// value of its length.
func Successor(b []byte) []byte {
	out := bytes.Clone(b)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			break
		}
	}
	return out
}

// Predecessor returns b - 1, as a number in network byte order; the highest value of
// its length if b is 0.
func Predecessor(b []byte) []byte {
	out := bytes.Clone(b)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]--; out[i] != 0xff {
			break
		}
	}
	return out
}
