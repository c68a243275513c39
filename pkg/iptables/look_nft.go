// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netlink"

	"ip-masq-agent/pkg/netfilter"
)

const nfgenmsg = 4 // bytes: family, version, resource (linux/netfilter/nfnetlink.h)

// askNFT asks nf_tables and hands each answer's attributes to each.
func askNFT(kind uint16, dump bool, family byte, attrs []byte, each func(kind uint16, value []byte)) error {
	q := netlink.Question{
		Protocol:   unix.NETLINK_NETFILTER,
		Kind:       unix.NFNL_SUBSYS_NFTABLES<<8 | kind,
		Dump:       dump,
		Header:     []byte{family, nfgenmsg - 1: 0},
		Attributes: attrs,
	}
	return netlink.Ask(q, func(_ uint16, body []byte) error {
		if len(body) < nfgenmsg {
			return errors.New("an answer of nf_tables is too short")
		}
		netlink.Attributes(body[nfgenmsg:], each)
		return nil
	})
}

// nftGeneration asks the kernel for the generation of the namespace's nft rule
// set: each commit raises it by one, no read does. It is one number for all
// families and tables (NFT_MSG_GETGEN, linux/netfilter/nf_tables.h).
func nftGeneration() (generation uint32, err error) {
	found := false
	err = askNFT(unix.NFT_MSG_GETGEN, false, unix.AF_UNSPEC, nil, func(kind uint16, value []byte) {
		if kind == unix.NFTA_GEN_ID && len(value) == 4 {
			generation, found = binary.BigEndian.Uint32(value), true
		}
	})
	if err == nil && !found {
		err = errors.New("the answer of nf_tables has no generation")
	}
	return generation, err
}

// nftHasChain tells whether a family's nat table has a chain, whatever is in it.
func nftHasChain(f netfilter.Family, chain string) (found bool, err error) {
	filter := append(netlink.Attribute(unix.NFTA_CHAIN_TABLE, []byte(natTable+"\x00")),
		netlink.Attribute(unix.NFTA_CHAIN_NAME, []byte(chain+"\x00"))...)
	err = askNFT(unix.NFT_MSG_GETCHAIN, false, number(f), filter, func(kind uint16, _ []byte) {
		found = found || kind == unix.NFTA_CHAIN_NAME
	})
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	return found, err
}

// nftCounters returns what each rule of a chain counted, in the chain's order.
// iptables-nft gives every rule a counter.
func nftCounters(f netfilter.Family, chain string) ([]netfilter.Count, error) {
	filter := append(netlink.Attribute(unix.NFTA_RULE_TABLE, []byte(natTable+"\x00")),
		netlink.Attribute(unix.NFTA_RULE_CHAIN, []byte(chain+"\x00"))...)
	var counts []netfilter.Count
	err := askNFT(unix.NFT_MSG_GETRULE, true, number(f), filter, func(kind uint16, value []byte) {
		if kind == unix.NFTA_RULE_EXPRESSIONS {
			counts = append(counts, ruleCounter(value))
		}
	})
	return counts, err
}

// ruleCounter finds the counter among a rule's expressions.
func ruleCounter(expressions []byte) (count netfilter.Count) {
	netlink.Attributes(expressions, func(_ uint16, expression []byte) {
		var name string
		var data []byte
		netlink.Attributes(expression, func(kind uint16, value []byte) {
			switch kind {
			case unix.NFTA_EXPR_NAME:
				name = unix.ByteSliceToString(value)
			case unix.NFTA_EXPR_DATA:
				data = value
			}
		})
		if name != "counter" {
			return
		}
		netlink.Attributes(data, func(kind uint16, value []byte) {
			switch {
			case len(value) != 8:
			case kind == unix.NFTA_COUNTER_BYTES:
				count.Bytes = binary.BigEndian.Uint64(value)
			case kind == unix.NFTA_COUNTER_PACKETS:
				count.Packets = binary.BigEndian.Uint64(value)
			}
		})
	})
	return count
}

// number is the family as the kernel counts it.
func number(f netfilter.Family) byte {
	if f == netfilter.IPv6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}
