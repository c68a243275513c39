// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"fmt"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// Constants of linux/netfilter/nf_tables.h that golang.org/x/sys/unix lacks.
const (
	elemKeyEnd      = 10 // NFTA_SET_ELEM_KEY_END
	elemExpressions = 11 // NFTA_SET_ELEM_EXPRESSIONS
	elemCatchall    = 2  // NFT_SET_ELEM_CATCHALL
	bitwiseOp       = 6  // NFTA_BITWISE_OP
)

// familyNames are the families whose packets this package knows, as nft(8)
// names them.
var familyNames = map[uint8]string{unix.NFPROTO_INET: "inet", unix.NFPROTO_IPV4: "ip", unix.NFPROTO_IPV6: "ip6"}

// protoOf returns the number of an address family.
func protoOf(f netfilter.Family) uint8 {
	if f == netfilter.IPv6 {
		return unix.NFPROTO_IPV6
	}
	return unix.NFPROTO_IPV4
}

func familyName(proto uint8) string {
	if name, ok := familyNames[proto]; ok {
		return name
	}
	return fmt.Sprintf("family %d", proto)
}
