// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"context"
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// ChainRemoval is a chain of a table of the family ip or ip6, with the rules of
// another chain of that table that go to it.
type ChainRemoval struct {
	Family netfilter.Family
	Table  string
	Chain  string
	From   string           // the chain that the jumps are in
	Jumps  []netfilter.Rule // the rules of From that go to Chain
}

// Commands returns the removal as commands for nft -f.
func (r ChainRemoval) Commands() []string {
	where := r.Family.NFT() + " " + r.Table
	var out []string
	for _, j := range r.Jumps {
		out = append(out, fmt.Sprintf("delete rule %s %s handle %d", where, r.From, j.Handle))
	}
	return append(out, fmt.Sprintf("flush chain %s %s", where, r.Chain), fmt.Sprintf("delete chain %s %s", where, r.Chain))
}

// Do removes the jumps and the chain in one transaction, whichever program wrote
// them. It fails, with EBUSY, if another rule goes to the chain; then nothing is
// removed.
func (r ChainRemoval) Do(ctx context.Context) error {
	c := compiler{family: protoOf(r.Family)}
	for _, j := range r.Jumps {
		c.add(fmt.Sprintf("deleting rule %d of chain %s", j.Handle, r.From), unix.NFT_MSG_DELRULE, 0,
			attrText(unix.NFTA_RULE_TABLE, r.Table), attrText(unix.NFTA_RULE_CHAIN, r.From), attrBytes(unix.NFTA_RULE_HANDLE, binary.BigEndian.AppendUint64(nil, j.Handle)))
	}
	c.add("deleting the rules of chain "+r.Chain, unix.NFT_MSG_DELRULE, 0,
		attrText(unix.NFTA_RULE_TABLE, r.Table), attrText(unix.NFTA_RULE_CHAIN, r.Chain))
	c.add("deleting chain "+r.Chain, unix.NFT_MSG_DELCHAIN, 0,
		attrText(unix.NFTA_CHAIN_TABLE, r.Table), attrText(unix.NFTA_CHAIN_NAME, r.Chain))
	return commit(ctx, c.operations)
}
