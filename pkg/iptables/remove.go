// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/nftables"
)

// Removal lists what Remove removed, or would remove.
type Removal struct {
	Chain bool     // the chain exists
	Rules []string // its rules
	Jumps []string // the rules of POSTROUTING that go to it
	// Command removes them in one commit if Input is its standard input. Both
	// are empty if there is nothing to remove.
	Command, Input string
}

// Remove removes a chain and every rule of POSTROUTING that goes to it, in one
// commit. It removes such a rule regardless of its other conditions and of the
// program that wrote it, because the kernel does not delete a chain to which a rule
// refers. If there is no such chain, it writes nothing. After an error, and with
// dryRun, the rules in the kernel are unchanged.
func (n *NAT) Remove(ctx context.Context, chain string, dryRun bool) (Removal, error) {
	var first Removal
	for round := range maxRounds {
		have, err := n.read(ctx, chain)
		if err != nil {
			return Removal{}, err
		}
		plan, err := n.planRemoval(have)
		if err != nil {
			return Removal{}, err
		}
		if round == 0 {
			first = plan
		}
		if dryRun || !plan.Chain {
			return first, nil
		}
		if err := n.remove(ctx, have, plan); err != nil {
			return Removal{}, fmt.Errorf("removing %s chain %s: %w%s", n.family, chain, err, n.stillUsed(err))
		}
	}
	return Removal{}, fmt.Errorf("%s chain %s was created again %d times: the agent that manages it is still running; delete its DaemonSet first", n.family, chain, maxRounds)
}

// planRemoval returns what has to be removed.
func (n *NAT) planRemoval(have state) (Removal, error) {
	if have.chain == nil {
		return Removal{}, nil
	}
	out := Removal{Chain: true}
	for _, r := range have.chain.Rules {
		out.Rules = append(out.Rules, r.Text)
	}
	jumps := rulesTo(have.postrouting, have.chain.Name)
	for _, r := range jumps {
		out.Jumps = append(out.Jumps, r.Text)
	}
	if n.backend == NFT {
		out.Command = "nft -f -"
		out.Input = strings.Join(n.nftRemoval(have).Commands(), "\n") + "\n"
		return out, nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*nat\n:%s - [0:0]\n", have.chain.Name)
	for _, r := range jumps {
		spec, nameable := specOf(r)
		if !nameable {
			return Removal{}, fmt.Errorf("a rule of POSTROUTING that goes to %s chain %s has a comment that iptables-restore cannot name: delete it with %s -t nat -D POSTROUTING NUMBER; --line-numbers shows the number", n.family, have.chain.Name, n.backend.Command(n.family))
		}
		b.WriteString(deleteLine(spec))
	}
	fmt.Fprintf(&b, "-X %s\nCOMMIT\n", have.chain.Name)
	out.Command, out.Input = n.backend.Command(n.family)+"-restore --noflush", b.String()
	return out, nil
}

func (n *NAT) nftRemoval(have state) nftables.ChainRemoval {
	return nftables.ChainRemoval{
		Family: n.family, Table: natTable, Chain: have.chain.Name,
		From: postrouting, Jumps: rulesTo(have.postrouting, have.chain.Name),
	}
}

func (n *NAT) remove(ctx context.Context, have state, plan Removal) error {
	if n.backend == NFT {
		return n.nftRemoval(have).Do(ctx)
	}
	if err := n.open(ctx); err != nil {
		return err
	}
	return n.restore(ctx, plan.Input)
}

// stillUsed explains why the kernel does not delete a chain. The error of
// iptables-legacy contains only the number of the line. In nf_tables iptables may
// not show the rule that goes to the chain.
func (n *NAT) stillUsed(err error) string {
	const what = "; another rule goes to the chain: remove it first, "
	switch {
	case errors.Is(err, unix.EBUSY):
		return what + fmt.Sprintf("nft list table %s nat shows it", n.family.NFT())
	case strings.Contains(err.Error(), `"-X `):
		return what + n.backend.Command(n.family) + "-save shows it"
	}
	return ""
}
