// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"bytes"
	"fmt"
	"maps"

	"github.com/mdlayher/netlink"

	"ip-masq-agent/pkg/netfilter"
)

// attrNumber returns an attribute of four bytes in network byte order, which
// nf_tables uses for numbers.
func attrNumber(kind uint16, v uint32) netlink.Attribute {
	return netlink.Attribute{Type: kind, Data: netfilter.Number(v)}
}

// attrText returns a string attribute, with the zero byte that ends it.
func attrText(kind uint16, s string) netlink.Attribute {
	return netlink.Attribute{Type: kind, Data: append([]byte(s), 0)}
}

// attrBytes returns an attribute that contains b.
func attrBytes(kind uint16, b []byte) netlink.Attribute {
	return netlink.Attribute{Type: kind, Data: b}
}

// attrNested returns an attribute that contains attributes.
func attrNested(kind uint16, inner ...netlink.Attribute) netlink.Attribute {
	return netlink.Attribute{Type: kind | netlink.Nested, Data: encode(inner)}
}

// encode returns attributes as bytes. Every attribute of this package is much
// smaller than the limit of 64 KiB: lists of elements are split, comments are
// constants, and names have at most 255 bytes. A larger one is a bug.
func encode(attrs []netlink.Attribute) []byte {
	b, err := netlink.MarshalAttributes(attrs)
	if err != nil {
		panic(fmt.Sprintf("nftables: encoding netlink attributes: %v", err))
	}
	return b
}

// sameAttributes reports whether attributes that the kernel returned have the same
// meaning as those that were written. The kernel also returns defaults that were not
// written, and a later kernel may return more of them: they must be zero.
func sameAttributes(want []netlink.Attribute, have attributes) bool {
	left := maps.Clone(have)
	for _, w := range want {
		kind := w.Type &^ netlink.Nested
		data, ok := left[kind]
		if !ok {
			return false
		}
		delete(left, kind)
		if w.Type&netlink.Nested == 0 {
			if !bytes.Equal(w.Data, data) {
				return false
			}
			continue
		}
		wanted, err := netlink.UnmarshalAttributes(w.Data)
		if err != nil {
			return false
		}
		inner, err := parseAttributes(data)
		if err != nil || !sameAttributes(wanted, inner) {
			return false
		}
	}
	for _, data := range left {
		if len(bytes.Trim(data, "\x00")) > 0 {
			return false
		}
	}
	return true
}
