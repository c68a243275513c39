// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package backend

import (
	"context"
	"fmt"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

// Remove removes the rules of the agent from a backend for one family: the chain
// and the jumps to it, or the table of the backend nftables. Missing rules are not
// an error. With dryRun it only returns what it would remove.
func Remove(ctx context.Context, b Name, f netfilter.Family, chain string, dryRun bool) (iptables.Removal, error) {
	if b != NFTables {
		return iptables.NewNAT(f, iptables.Backend(b)).Remove(ctx, chain, dryRun)
	}
	t := nftables.NewTable(f)
	found, err := t.Exists(ctx)
	if err != nil || !found {
		return iptables.Removal{}, err
	}
	out := iptables.Removal{Chain: true, Command: "nft -f -", Input: fmt.Sprintf("delete table %s %s\n", f.NFT(), nftables.TableName)}
	if !dryRun {
		_, err = t.Remove(ctx)
	}
	return out, err
}
