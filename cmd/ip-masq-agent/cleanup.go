// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
)

const cleanupAbout = `cleanup removes the agent's chain and every rule of POSTROUTING that goes to it,
in both families and both backends, and nothing else. What is not there is no
failure. An agent that runs on the node would write its chain again, so delete
its DaemonSet first; manifests/cleanup.yaml runs cleanup on every node.`

func cleanupFlags(f *flags) {
	set := f.group("Cleanup")
	set.StringVar(&f.masq.ChainName, "masq-chain", "IP-MASQ", "`name` of the chain to remove, such as IP-MASQ-AGENT after another agent")
	f.backendFlag(set, "auto, which is both, iptables-nft or iptables-legacy: the `backend` to clean")
	set.BoolVar(&f.dryRun, "dry-run", false, "only say what would be removed")
}

// cleaned is what became of one table.
type cleaned struct {
	Backend iptables.Backend `json:"backend"`
	Family  string           `json:"family"`
	Found   bool             `json:"found"` // a chain of that name
	Removed bool             `json:"removed"`
	Rules   []string         `json:"rules,omitempty"`
	Jumps   []string         `json:"jumps,omitempty"`
	Error   string           `json:"error,omitempty"`
	Skipped bool             `json:"skipped,omitempty"` // its command is not there

	commit string
}

func runCleanup(ctx context.Context, f *flags, stdout io.Writer) error {
	if a := f.keeper(ctx); a != nil && !f.dryRun {
		return fmt.Errorf("process %d is an agent that keeps chain %s on this node, and would write it again: delete its DaemonSet first. Nothing was removed", a.PID, f.masq.ChainName)
	}
	tables, err := f.clean(ctx)
	if err != nil {
		return err
	}
	if f.output == outputJSON {
		err = printJSON(stdout, tables)
	} else {
		err = writeCleaned(stdout, f.masq.ChainName, tables)
	}
	if err != nil {
		return err
	}
	for _, t := range tables {
		if t.Error != "" {
			return errFound
		}
	}
	return nil
}

// keeper returns the agent that would write again what is to be removed, nil if
// none can be seen. In the backend that it does not use it writes nothing.
func (f *flags) keeper(ctx context.Context) *runningAgent {
	for _, a := range runningAgents() {
		if a.flags.masq.ChainName != f.masq.ChainName {
			continue
		}
		choice, err := iptables.Detect(ctx, a.flags.backend, f.masq.ChainName)
		if err == nil && f.backend != "auto" && f.backend != string(choice.Backend) {
			continue
		}
		return a
	}
	return nil
}

// clean goes on to the next table when one fails. A backend whose commands are
// not there is passed over, unless it was asked for or no other is there.
func (f *flags) clean(ctx context.Context) ([]cleaned, error) {
	var out []cleaned
	any := false
	for _, b := range []iptables.Backend{iptables.NFT, iptables.Legacy} {
		if f.backend != "auto" && f.backend != string(b) {
			continue
		}
		for _, family := range []netfilter.Family{netfilter.IPv4, netfilter.IPv6} {
			t := cleaned{Backend: b, Family: family.String()}
			if !iptables.Installed(ctx, b, family) {
				t.Skipped = true
				out = append(out, t)
				continue
			}
			any = true
			removal, err := iptables.NewNAT(family, b).Remove(ctx, f.masq.ChainName, f.dryRun)
			if err != nil {
				t.Error = err.Error()
			}
			t.Found, t.Rules, t.Jumps, t.commit = removal.Chain, removal.Rules, removal.Jumps, removal.Input
			t.Removed = removal.Chain && !f.dryRun
			out = append(out, t)
		}
	}
	if !any {
		return nil, errors.New("no usable iptables: install the package iptables")
	}
	return out, nil
}

func writeCleaned(w io.Writer, chain string, tables []cleaned) error {
	var b strings.Builder
	for _, t := range tables {
		fmt.Fprintf(&b, "%-15s  %s  ", t.Backend, t.Family)
		switch {
		case t.Error != "":
			fmt.Fprintf(&b, "failed: %s\n", t.Error)
		case t.Skipped:
			fmt.Fprintf(&b, "no command %s, so nothing was looked for\n", command(t))
		case t.Removed:
			fmt.Fprintf(&b, "removed chain %s (rules: %d) and the jumps to it: %d\n", chain, len(t.Rules), len(t.Jumps))
		case t.Found:
			fmt.Fprintf(&b, "would remove chain %s (rules: %d) and the jumps to it: %d, as input to %s-restore --noflush:\n%s", chain, len(t.Rules), len(t.Jumps), command(t), t.commit)
			continue
		default:
			fmt.Fprintf(&b, "no chain %s\n", chain)
		}
		for _, j := range t.Jumps {
			fmt.Fprintf(&b, "        %s\n", j)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// command is how the table is reached by hand.
func command(t cleaned) string {
	if t.Family == netfilter.IPv6.String() {
		return strings.Replace(string(t.Backend), "iptables", "ip6tables", 1)
	}
	return string(t.Backend)
}
