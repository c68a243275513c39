// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"fmt"

	"ip-masq-agent/pkg/netfilter"
)

// Constants of linux/netfilter/nf_tables.h, nfnetlink.h and nf_tables_compat.h
// that golang.org/x/sys/unix lacks.
const (
	subsysTables = 10 // NFNL_SUBSYS_NFTABLES
	subsysCompat = 11 // NFNL_SUBSYS_NFT_COMPAT

	protoInet = 1  // NFPROTO_INET
	protoIPv4 = 2  // NFPROTO_IPV4
	protoIPv6 = 10 // NFPROTO_IPV6

	elemKeyEnd      = 10 // NFTA_SET_ELEM_KEY_END
	elemExpressions = 11 // NFTA_SET_ELEM_EXPRESSIONS
	elemCatchall    = 2  // NFT_SET_ELEM_CATCHALL
	dataVerdict     = 0xffffff00

	bitwiseOp   = 6 // NFTA_BITWISE_OP
	bitwiseData = 7 // NFTA_BITWISE_DATA
)

// familyNames are the families whose packets this package knows, as nft(8)
// names them.
var familyNames = map[uint8]string{protoInet: "inet", protoIPv4: "ip", protoIPv6: "ip6"}

// protoOf returns the number of an address family.
func protoOf(f netfilter.Family) uint8 {
	if f == netfilter.IPv6 {
		return protoIPv6
	}
	return protoIPv4
}

func familyName(proto uint8) string {
	if name, ok := familyNames[proto]; ok {
		return name
	}
	return fmt.Sprintf("family %d", proto)
}
