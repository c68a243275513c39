// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
)

const cleanupAbout = `cleanup removes what the agent wrote: its chain and every rule of POSTROUTING that
goes to it, in iptables-nft and iptables-legacy, and the table ip-masq-agent of the
backend nftables, for both IP families; and nothing else. What is not there is no
failure. An agent that runs on the node would write its rules again, so delete its
DaemonSet first; manifests/cleanup.yaml runs cleanup on every node.`

func cleanupFlags(f *flags) {
	set := f.group("Cleanup")
	set.StringVar(&f.masq.ChainName, "masq-chain", "IP-MASQ", "`name` of the chain to remove, such as IP-MASQ-AGENT after another agent")
	f.backendFlag(set, "`name` of the backend to clean: auto, which is all, iptables-nft, iptables-legacy or nftables")
	set.BoolVar(&f.dryRun, "dry-run", false, "only print what would be removed, as input for a command; exit with status 1 if there is something")
	set.BoolVar(&f.stay, "stay", false, "after the rules are removed, wait for SIGTERM or SIGINT and exit with status 0, as the container of a DaemonSet must")
}

// cleaned is what became of one family in one backend.
type cleaned struct {
	Backend backend.Name `json:"backend"`
	Family  string       `json:"family"`
	Found   bool         `json:"found"` // there was something to remove
	Removed bool         `json:"removed"`
	Rules   []string     `json:"rules,omitempty"`
	Jumps   []string     `json:"jumps,omitempty"`
	Command string       `json:"command,omitempty"` // that removes it, given Input
	Input   string       `json:"input,omitempty"`
	Error   string       `json:"error,omitempty"`
	Skipped string       `json:"skipped,omitempty"` // why nothing was looked for
}

func runCleanup(ctx context.Context, f *flags, stdout io.Writer) error {
	if !f.stay {
		return f.cleanup(ctx, stdout)
	}
	// A signal that arrives during the removal takes effect after it, so that
	// the exit status reports whether the rules are gone.
	stopped, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := f.cleanup(ctx, stdout); err != nil {
		return err
	}
	if os.Getpid() == 1 {
		// Of the commands that run in the container meanwhile, such as a probe.
		go iptables.Reap(stopped)
	}
	<-stopped.Done()
	return nil
}

// cleanup removes the rules and prints what was removed. With --dry-run it
// removes nothing, and returns errFound if there is something to remove.
func (f *flags) cleanup(ctx context.Context, stdout io.Writer) error {
	if a := liveAgent(ctx, f.masq.ChainName, string(f.backend)); a != nil && !f.dryRun {
		return fmt.Errorf("process %d is an agent that keeps chain %s on this node, and would write it again: delete its DaemonSet first. Nothing was removed", a.PID, f.masq.ChainName)
	}
	tables := f.clean(ctx)
	var err error
	if f.output == outputJSON {
		err = printJSON(stdout, tables)
	} else {
		err = writeCleaned(stdout, f.masq.ChainName, tables)
	}
	if err != nil {
		return err
	}
	for _, t := range tables {
		if t.Error != "" || f.dryRun && t.Found {
			return errFound
		}
	}
	return nil
}

// clean cleans each family in each backend. It goes on if one fails. A backend
// that the kernel does not have is skipped, unless it was asked for.
func (f *flags) clean(ctx context.Context) []cleaned {
	var out []cleaned
	for _, b := range backend.Names()[1:] {
		if f.backend != backend.Auto && f.backend != b {
			continue
		}
		for _, family := range netfilter.Families() {
			out = append(out, f.cleanTable(ctx, b, family))
		}
	}
	return out
}

func (f *flags) cleanTable(ctx context.Context, b backend.Name, family netfilter.Family) cleaned {
	t := cleaned{Backend: b, Family: family.String()}
	if a := liveTable(ctx, b); a != nil && !f.dryRun {
		t.Skipped = fmt.Sprintf("process %d is an agent that keeps this table, or may: its backend is not known otherwise", a.PID)
		return t
	}
	removal, err := backend.Remove(ctx, b, family, f.masq.ChainName, f.dryRun)
	switch {
	case errors.Is(err, errors.ErrUnsupported) && f.backend == backend.Auto:
		t.Skipped = "the kernel does not have nf_tables"
		return t
	case err != nil:
		t.Error = err.Error()
	}
	t.Found, t.Rules, t.Jumps, t.Command, t.Input = removal.Chain, removal.Rules, removal.Jumps, removal.Command, removal.Input
	t.Removed = removal.Chain && err == nil && !f.dryRun
	return t
}

// liveTable returns the agent that keeps the table of the backend nftables,
// which does not depend on the name of the chain; nil for any other backend. One
// whose backend is not known may keep it.
func liveTable(ctx context.Context, b backend.Name) *runningAgent {
	if b != backend.NFTables {
		return nil
	}
	for _, a := range runningAgents() {
		if in := a.backend(ctx); in == "" || in == string(backend.NFTables) {
			return a
		}
	}
	return nil
}

func writeCleaned(w io.Writer, chain string, tables []cleaned) error {
	var b strings.Builder
	for _, t := range tables {
		what, rest := "chain "+chain, fmt.Sprintf(" (rules: %d) and the jumps to it: %d", len(t.Rules), len(t.Jumps))
		if t.Backend == backend.NFTables {
			what, rest = "table ip-masq-agent", ""
		}
		fmt.Fprintf(&b, "%-15s  %s  ", t.Backend, t.Family)
		switch {
		case t.Error != "":
			fmt.Fprintf(&b, "failed: %s\n", t.Error)
		case t.Skipped != "":
			fmt.Fprintf(&b, "skipped: %s\n", t.Skipped)
		case t.Removed:
			fmt.Fprintf(&b, "removed %s%s\n", what, rest)
		case t.Found:
			fmt.Fprintf(&b, "would remove %s%s, as input to %s:\n%s", what, rest, t.Command, t.Input)
			continue
		default:
			fmt.Fprintf(&b, "no %s\n", what)
		}
		for _, j := range t.Jumps {
			fmt.Fprintf(&b, "        %s\n", j)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
