// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package cleanup implements the subcommand cleanup: it removes the rules that the
// agent wrote, in all backends.
package cleanup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/running"
)

// Options say what to remove.
type Options struct {
	Chain   string
	Backend backend.Name // Auto: all backends
	DryRun  bool         // remove nothing
	// HTTPAddress is where a running agent serves its metrics. Empty: search for a
	// running agent by its process only.
	HTTPAddress string
}

// ErrAgentRuns is the error of Run if it removed nothing because of a running agent.
var ErrAgentRuns = errors.New("nothing was removed")

// Result is the result for one IP family in one backend.
type Result struct {
	Backend backend.Name `json:"backend"`
	Family  string       `json:"family"`
	Found   bool         `json:"found"` // there were rules to remove
	Removed bool         `json:"removed"`
	Rules   []string     `json:"rules,omitempty"`
	Jumps   []string     `json:"jumps,omitempty"`
	Command string       `json:"command,omitempty"` // the command that removes the rules, with Input as its input
	Input   string       `json:"input,omitempty"`
	Error   string       `json:"error,omitempty"`
	Skipped string       `json:"skipped,omitempty"` // why the kernel was not searched
}

// Run removes the rules of each IP family in each backend. If one fails, it
// continues with the others. It returns [ErrAgentRuns], and removes nothing, if a
// running agent would write the rules again. With DryRun it returns the results
// also then.
func Run(ctx context.Context, o Options) ([]Result, error) {
	server := running.FindServer(ctx, o.HTTPAddress)
	refusal := o.refusal(ctx, server)
	if refusal != nil && !o.DryRun {
		return nil, refusal
	}
	var results []Result
	for _, b := range backend.Names()[1:] {
		if o.Backend != backend.Auto && o.Backend != b {
			continue
		}
		for _, f := range netfilter.Families() {
			results = append(results, o.remove(ctx, b, f, server))
		}
	}
	return results, refusal
}

// refusal returns ErrAgentRuns if a running agent would write the rules again. The
// server is the agent found by its address, or nil.
func (o Options) refusal(ctx context.Context, server *running.Server) error {
	if a := running.ManagerOf(ctx, o.Chain, o.Backend); a != nil {
		return fmt.Errorf("%w: the agent that runs on this node as process %d manages chain %s and would write it again: delete its DaemonSet first", ErrAgentRuns, a.PID, o.Chain)
	}
	if server.Manages(o.Chain, o.Backend) {
		return fmt.Errorf("%w: the agent that answers at %s on this node manages chain %s, or may, and would write it again: delete its DaemonSet first; if the address belongs to another program, give --http-bind-address= to ignore it", ErrAgentRuns, server.Address, o.Chain)
	}
	return nil
}

// remove removes the rules of one IP family in one backend. If the kernel does not
// support the backend, it is skipped, unless --backend names it. The table of the
// backend nftables is skipped if the agent of another chain manages it.
func (o Options) remove(ctx context.Context, b backend.Name, f netfilter.Family, server *running.Server) Result {
	r := Result{Backend: b, Family: f.String()}
	if b == backend.NFTables {
		if a := running.ManagerOfTable(ctx, o.Chain); a != nil {
			r.Skipped = fmt.Sprintf("the agent that runs as process %d %s", a.PID, managesTable(a.Backend(ctx)))
			return r
		}
		if server.ManagesTable(o.Chain) {
			r.Skipped = fmt.Sprintf("the agent that answers at %s %s", server.Address, managesTable(server.Backend))
			return r
		}
	}
	removal, err := backend.Remove(ctx, b, f, o.Chain, o.DryRun)
	switch {
	case errors.Is(err, errors.ErrUnsupported) && o.Backend == backend.Auto:
		r.Skipped = "the kernel does not support nf_tables"
		return r
	case err != nil:
		r.Error = err.Error()
	}
	r.Found, r.Rules, r.Jumps, r.Command, r.Input = removal.Chain, removal.Rules, removal.Jumps, removal.Command, removal.Input
	r.Removed = removal.Chain && err == nil && !o.DryRun
	return r
}

// managesTable says whether an agent manages the table of the backend nftables, or
// may, because its backend is unknown.
func managesTable(b backend.Name) string {
	if b == "" {
		return "may manage this table: its backend is unknown"
	}
	return "manages this table"
}

// Complete reports whether nothing is left to remove.
func (o Options) Complete(results []Result) bool {
	for _, r := range results {
		if r.Error != "" || o.DryRun && r.Found {
			return false
		}
	}
	return true
}

// Changes returns the results that say what was removed, or that something failed.
func Changes(results []Result) []Result {
	return slices.DeleteFunc(slices.Clone(results), func(r Result) bool { return !r.Removed && r.Error == "" })
}

// Write prints results as text.
func (o Options) Write(w io.Writer, results []Result) error {
	var b strings.Builder
	for _, r := range results {
		object, details := "chain "+o.Chain, fmt.Sprintf(" (rules: %d) and the jumps to it: %d", len(r.Rules), len(r.Jumps))
		if r.Backend == backend.NFTables {
			object, details = "table ip-masq-agent", ""
		}
		fmt.Fprintf(&b, "%-15s  %s  ", r.Backend, r.Family)
		switch {
		case r.Error != "":
			fmt.Fprintf(&b, "failed: %s\n", r.Error)
		case r.Skipped != "":
			fmt.Fprintf(&b, "skipped: %s\n", r.Skipped)
		case r.Removed:
			fmt.Fprintf(&b, "removed %s%s\n", object, details)
		case r.Found:
			fmt.Fprintf(&b, "would remove %s%s, as input to %s:\n%s", object, details, r.Command, r.Input)
			continue
		default:
			fmt.Fprintf(&b, "no %s\n", object)
		}
		for _, j := range r.Jumps {
			fmt.Fprintf(&b, "        %s\n", j)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
