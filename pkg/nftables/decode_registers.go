// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

const (
	wordBytes = 4
	words     = 16
)

// load is a value that an expression loaded into registers: a part of the packet, or
// a constant.
type load struct {
	operand netfilter.Operand
	// host means that the bytes are a number in the byte order of the host.
	// The operand's are in network byte order.
	host bool
	// unsure means that reading the value can fail, which ends the rule.
	unsure bool
	text   string // as nft(8) names it: "ip daddr"
	key    key    // which of iptables' options asks for it
}

// constant returns the bytes of a constant, nil of any other value.
func (l load) constant() []byte {
	if o := l.operand; o.Field == netfilter.Constant && o.Mask == nil && o.Xor == nil && o.Offset+o.Length <= len(o.Constant) {
		return o.Constant[o.Offset:][:o.Length]
	}
	return nil
}

// opaque returns a value of which nothing is known.
func opaque(length int, text string) load {
	return load{operand: netfilter.Operand{Field: netfilter.Opaque, Length: length}, text: text}
}

// registers are the sixteen 32-bit registers that a rule's expressions work on.
type registers [words]struct {
	load  *load
	start int // the word at which the value begins
}

// wordOf returns the first word of a register. A register is one of the sixteen
// of 4 bytes, or one of the older four of 16.
func wordOf(register uint32) (int, bool) {
	switch {
	case register >= unix.NFT_REG_1 && register <= unix.NFT_REG_4:
		return int(register-unix.NFT_REG_1) * 4, true
	case register >= unix.NFT_REG32_00 && register <= unix.NFT_REG32_15:
		return int(register - unix.NFT_REG32_00), true
	}
	return 0, false
}

func wordsOf(length int) int { return (length + wordBytes - 1) / wordBytes }

// set puts a value into a register.
func (r *registers) set(register uint32, l load) {
	start, ok := wordOf(register)
	if !ok {
		return
	}
	for i := start; i < min(start+max(wordsOf(l.operand.Length), 1), words); i++ {
		r[i].load, r[i].start = &l, start
	}
}

// get returns the value of a register, or the part of it that begins there.
func (r *registers) get(register uint32) load {
	word, ok := wordOf(register)
	if !ok {
		return opaque(0, "register")
	}
	return r.at(word)
}

func (r *registers) at(word int) load {
	if word >= words || r[word].load == nil {
		return opaque(wordBytes, "register")
	}
	l, start := *r[word].load, r[word].start
	for i := start; i < min(start+wordsOf(l.operand.Length), words); i++ {
		if r[i].load != r[word].load {
			return opaque(l.operand.Length, l.text) // partly overwritten
		}
	}
	if word == start {
		return l
	}
	return l.from((word - start) * wordBytes)
}

// from returns the bytes of a value from an offset on.
func (l load) from(offset int) load {
	o := &l.operand
	if l.host || offset > o.Length || o.Field == netfilter.Random {
		return opaque(max(o.Length-offset, 0), l.text)
	}
	o.Offset, o.Length = o.Offset+offset, o.Length-offset
	if o.Mask != nil {
		o.Mask = o.Mask[offset:]
	}
	if o.Xor != nil {
		o.Xor = o.Xor[offset:]
	}
	return l
}

// first returns the first bytes of a value. ok is false if it is shorter.
func (l load) first(length int) (out load, ok bool) {
	o := &l.operand
	if length > o.Length {
		return l, false
	}
	if length == o.Length {
		return l, true
	}
	if l.host || o.Field == netfilter.Random {
		return opaque(length, l.text), true
	}
	o.Length = length
	if o.Mask != nil {
		o.Mask = o.Mask[:length]
	}
	if o.Xor != nil {
		o.Xor = o.Xor[:length]
	}
	return l, true
}

// fields returns the values that together are a key of a number of bytes. Each
// begins at a register of its own.
func (r *registers) fields(register uint32, length int) ([]load, bool) {
	word, ok := wordOf(register)
	if !ok {
		return nil, false
	}
	var out []load
	for length > 0 {
		l := r.at(word)
		if l.operand.Length <= 0 {
			return nil, false
		}
		if l.operand.Length > length {
			l, _ = l.first(length)
		}
		out = append(out, l)
		n := wordsOf(l.operand.Length)
		word += n
		length -= n * wordBytes
	}
	return out, true
}

// forget makes every value that comes from a field unknown, after the field was
// written.
func (r *registers) forget(f netfilter.Field) {
	for _, word := range r {
		if l := word.load; l != nil && l.operand.Field == f {
			*l = opaque(l.operand.Length, l.text)
		}
	}
}
