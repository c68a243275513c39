// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// churnChain is the chain that a busy kube-proxy changes.
const churnChain = "KUBE-SVC-CHURN"

// commitRules replaces the rules of churnChain in one transaction. With
// nf_tables it sends the messages itself: with many Services
// iptables-nft-restore takes up to 100 ms, so ten commits would not fit into a
// second on a busy machine.
func (t *table) commitRules(rules int) error {
	if t.Backend == iptablesLegacy {
		return t.restore(":" + churnChain + " - [0:0]\n" + strings.Repeat("-A "+churnChain+" -j RETURN\n", rules))
	}
	var batch []byte
	add := func(kind, flags uint16, family byte, resource uint16, attributes ...string) {
		start := len(batch)
		batch = append(batch, make([]byte, unix.SizeofNlMsghdr)...)
		batch = append(batch, family, unix.NFNETLINK_V0)
		batch = binary.BigEndian.AppendUint16(batch, resource)
		for i, text := range attributes { // NFTA_RULE_TABLE is 1, NFTA_RULE_CHAIN 2
			batch = binary.NativeEndian.AppendUint16(batch, uint16(unix.SizeofNlAttr+len(text)+1))
			batch = binary.NativeEndian.AppendUint16(batch, uint16(i+1))
			batch = append(batch, text...)
			batch = append(batch, make([]byte, 4-len(text)%4)...) // the terminating zero byte, and padding
		}
		binary.NativeEndian.PutUint32(batch[start:], uint32(len(batch)-start))
		binary.NativeEndian.PutUint16(batch[start+4:], kind)
		binary.NativeEndian.PutUint16(batch[start+6:], unix.NLM_F_REQUEST|flags)
	}
	rule := func(kind, flags uint16) {
		add(unix.NFNL_SUBSYS_NFTABLES<<8|kind, flags, unix.AF_INET, 0, "nat", churnChain)
	}
	add(unix.NFNL_MSG_BATCH_BEGIN, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
	rule(unix.NFT_MSG_DELRULE, 0) // deletes all rules of the chain
	for i := range rules {
		flags := uint16(unix.NLM_F_CREATE | unix.NLM_F_APPEND)
		if i == rules-1 {
			flags |= unix.NLM_F_ACK
		}
		rule(unix.NFT_MSG_NEWRULE, flags)
	}
	add(unix.NFNL_MSG_BATCH_END, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
	answer, err := sendNetfilter(batch)
	if err == nil && (len(answer) < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:]) != 0) {
		err = fmt.Errorf("the kernel rejected the transaction: %x", answer)
	}
	if err != nil {
		return fmt.Errorf("committing %d rules: %w", rules, err)
	}
	return nil
}
