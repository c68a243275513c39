// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// attributes are the attributes of one level of a message, by their type. Of
// several with one type the last counts.
type attributes map[uint16][]byte

// parseAttributes parses one level of attributes.
func parseAttributes(b []byte) (attributes, error) {
	out := attributes{}
	err := eachAttribute(b, func(kind uint16, data []byte) error {
		out[kind] = data
		return nil
	})
	return out, err
}

// eachAttribute calls fn for each attribute, in their order.
func eachAttribute(b []byte, fn func(kind uint16, data []byte) error) error {
	d, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return fmt.Errorf("parsing netlink attributes: %w", err)
	}
	for d.Next() {
		kind := d.Type()
		d.Do(func(data []byte) error { return fn(kind, data) })
	}
	return d.Err()
}

var errShort = errors.New("netlink attribute is too short")

// uint32 returns a number, which nf_tables sends in network byte order; 0 if the
// attribute is not there.
func (a attributes) uint32(kind uint16) uint32 {
	if b := a[kind]; len(b) >= 4 {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (a attributes) uint64(kind uint16) uint64 {
	if b := a[kind]; len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// has reports whether the attribute is there.
func (a attributes) has(kind uint16) bool {
	_, ok := a[kind]
	return ok
}

// string returns a string, which the kernel ends with a zero byte.
func (a attributes) string(kind uint16) string { return unix.ByteSliceToString(a[kind]) }

// nested returns the attributes inside an attribute.
func (a attributes) nested(kind uint16) (attributes, error) { return parseAttributes(a[kind]) }

// message is the payload of one answer: struct nfgenmsg and attributes.
type message struct {
	family uint8
	attributes
	raw []byte // what it was parsed from
}

const nfgenmsgBytes = 4 // struct nfgenmsg, linux/netfilter/nfnetlink.h

func parseMessage(b []byte) (message, error) {
	if len(b) < nfgenmsgBytes {
		return message{}, errShort
	}
	a, err := parseAttributes(b[nfgenmsgBytes:])
	return message{family: b[0], attributes: a, raw: b}, err
}
