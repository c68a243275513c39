// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"context"
	"fmt"
	"strings"
)

// Removal is what Remove took away, or would take away.
type Removal struct {
	Chain bool     // the chain was there
	Rules []string // that were in it, as iptables -S prints them
	Jumps []string // the rules of POSTROUTING that went to it
	Input string   // the commit, for iptables-restore --noflush; empty for none
}

// Remove takes a chain away, and every rule of POSTROUTING that goes to it, in
// one commit: no packet meets a jump to an empty chain. A rule goes whatever
// its other conditions are, because the kernel keeps a chain that any rule
// refers to. Where there is no such chain nothing is written. On an error the
// kernel holds what it held; so it does, always, with dryRun.
func (n *NAT) Remove(ctx context.Context, chain string, dryRun bool) (Removal, error) {
	var first Removal
	for round := range maxRounds {
		have, err := n.removal(ctx, chain)
		if err != nil {
			return Removal{}, err
		}
		if round == 0 {
			first = have
		}
		if dryRun || have.Input == "" {
			return first, nil
		}
		if err := n.restore(ctx, have.Input); err != nil {
			return Removal{}, fmt.Errorf("removing chain %s: %w%s", chain, err, stillUsed(err))
		}
	}
	return Removal{}, fmt.Errorf("%s chain %s came back %d times: the agent that keeps it still runs; delete its DaemonSet first", n.family, chain, maxRounds)
}

// removal reads what there is to remove.
func (n *NAT) removal(ctx context.Context, chain string) (Removal, error) {
	r, err := NewReader(ctx, n.family, n.backend)
	if err != nil {
		return Removal{}, err
	}
	n.tool, n.path = r.nat.tool, r.nat.path
	own, err := r.Chain(ctx, chain)
	if err != nil || !own.Exists {
		return Removal{}, err
	}
	entries, err := r.Chain(ctx, postrouting)
	if err != nil {
		return Removal{}, err
	}
	return planRemoval(own, entries), nil
}

// planRemoval makes the one commit that leaves nothing of a chain.
func planRemoval(own, postrouting Listing) Removal {
	if !own.Exists {
		return Removal{}
	}
	out := Removal{Chain: true}
	var b strings.Builder
	fmt.Fprintf(&b, "*nat\n:%s - [0:0]\n", own.Name)
	for _, e := range own.Entries {
		out.Rules = append(out.Rules, e.String())
	}
	for _, i := range postrouting.Jumps(own.Name) {
		out.Jumps = append(out.Jumps, postrouting.Entries[i].String())
		b.WriteString(deleteLine(postrouting.Entries[i].Spec))
	}
	fmt.Fprintf(&b, "-X %s\nCOMMIT\n", own.Name)
	out.Input = b.String()
	return out
}

// stillUsed explains why the kernel refuses -X: nft says "CHAIN_DEL failed
// (Device or resource busy)", legacy no more than the number of the line.
func stillUsed(err error) string {
	if strings.Contains(err.Error(), "CHAIN_DEL") || strings.Contains(err.Error(), `"-X `) {
		return "; a rule outside POSTROUTING goes to the chain: remove it first, iptables-save shows it"
	}
	return ""
}
