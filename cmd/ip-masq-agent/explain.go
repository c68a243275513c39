// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/explain"
	"ip-masq-agent/pkg/flags"
	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/predict"
	"ip-masq-agent/pkg/running"
)

const explainAbout = `explain prints the source address that a new connection from a pod gets, that of the
pod or of the node, and the rule that decides. It uses the configuration or, with
--live, the rules in the kernel of this node, and then reports whether they differ.
DESTINATION is an IP address after DNAT: that of a pod, not of a Service. Unless a
flag of Rules or Configuration or --backend is set, explain uses the flags of the
agent that runs on this node.`

// explainCommand is a command line of explain.
type explainCommand struct {
	*flags.Set
	source flags.Address
	live   bool
}

func explainFlags(set *flags.Set) runFunc {
	f := &explainCommand{Set: set}
	set.AddRules()
	set.AddConfiguration()
	group := set.Group("Explain")
	group.Var(&f.source, "source", "`address` of the pod, or of another source; by default a pod in the first range of sourceCIDRs, or any pod")
	group.BoolVar(&f.live, "live", false, "use the rules in the kernel of this node, and compare the file with them")
	set.AddBackend(group)
	return f.run
}

// explained is the JSON output of explain.
type explained struct {
	Agent   *running.Agent   `json:"agent,omitempty"`   // whose flags are used
	Invalid string           `json:"invalid,omitempty"` // why the file is invalid; the answers are then those of the kernel
	Answers []explain.Answer `json:"answers"`
	noFile  bool             // the defaults apply
}

func (f *explainCommand) run(ctx context.Context, stdout io.Writer) error {
	routes, err := host.OpenRoutes()
	if err != nil {
		return err
	}
	defer routes.Close()
	destinations, err := f.destinations()
	if err != nil {
		return argumentError{err}
	}
	agent, err := useRunningAgent(f.Set)
	if err != nil {
		return err
	}
	loaded, invalid := config.Load(f.ConfigFile, f.Config)
	if invalid != nil && !f.live {
		return fmt.Errorf("the file is invalid, so a running agent continues with the last valid configuration; use --live for the rules in the kernel:\n%s", inContainer(agent, invalid.Error()))
	}
	var rules predict.Rules
	if f.live {
		all, _ := predict.Read(ctx, f.Masq.ChainName)
		rules = predict.New(all, f.Masq.ChainName)
	}
	out, known := explained{Agent: agent, noFile: invalid == nil && len(loaded.Files) == 0}, invalid == nil
	hasIPv6, whyNot := running.ManagesIPv6(ctx, f.Options, agent)
	table := f.usesTable(ctx, agent)
	for _, destination := range destinations {
		q, err := explain.NewQuestion(routes, f.source.Addr, destination, loaded.Config)
		if err != nil {
			return err
		}
		answer := f.byFile(q, loaded, hasIPv6, table)
		answer.Line = inContainer(agent, answer.Line)
		if q.Family() == netfilter.IPv6 && !hasIPv6 && !answer.Local {
			answer.Why = "the agent has no IPv6 rules: " + whyNot
		}
		if f.live {
			live := explain.ByKernel(q, rules)
			live.First, _ = routes.EBPF(q.SourceRoute.Device, q.Route.Device) // doctor reports the error
			if invalid == nil {
				live = live.Against(answer)
			}
			answer = live
		}
		known = known && answer.Known()
		out.Answers = append(out.Answers, answer)
	}
	if invalid != nil {
		out.Invalid = inContainer(agent, invalid.Error())
	}
	if err := f.printExplained(stdout, out); err != nil {
		return err
	}
	if !known {
		return errFound
	}
	return nil
}

// usesTable reports whether the agent uses the backend nftables. Then the rules of
// the file are those of a table.
func (f *explainCommand) usesTable(ctx context.Context, agent *running.Agent) bool {
	in := f.Backend
	switch {
	case agent != nil:
		in = agent.Backend(ctx)
	case f.live && in == backend.Auto:
		in = backend.InForce(ctx, f.Masq.ChainName)
	}
	return in == backend.NFTables
}

// inContainer replaces paths at which this process sees the files of the agent by
// those in the agent's container.
func inContainer(agent *running.Agent, text string) string {
	if agent == nil || agent.Root() == "" {
		return text
	}
	return strings.ReplaceAll(text, agent.Root()+"/", "/")
}

func (f *explainCommand) printExplained(stdout io.Writer, out explained) error {
	if f.Output == flags.JSON {
		return printJSON(stdout, out)
	}
	printUsedFlags(stdout, f.Set, out.Agent)
	if out.noFile && f.Changed("config") {
		fmt.Fprintf(stdout, "No file found at %s, so the defaults apply\n", f.ConfigFile)
	}
	if out.Invalid != "" {
		fmt.Fprintf(stdout, "The file is invalid, so these are only the rules in the kernel:\n%s\n", out.Invalid)
	}
	return explain.Write(stdout, out.Answers)
}

// destinations parses the arguments.
func (f *explainCommand) destinations() ([]netip.Addr, error) {
	var out []netip.Addr
	for _, word := range f.Args {
		dst, err := netip.ParseAddr(word)
		switch {
		case err != nil || dst.Zone() != "":
			return nil, fmt.Errorf("destination %q is not an IP address", word)
		case f.source.IsValid() && f.source.Is4() != dst.Unmap().Is4():
			return nil, fmt.Errorf("--source %s and destination %s are of different IP families", &f.source, dst)
		}
		out = append(out, dst.Unmap())
	}
	return out, nil
}

// byFile answers with the chain, or the table, that results from the file.
func (f *explainCommand) byFile(q explain.Question, loaded config.Loaded, hasIPv6, table bool) explain.Answer {
	c := loaded.Config
	p := explain.Policy{From: "file", Chain: f.Masq.ChainName}
	if len(loaded.Files) == 0 {
		p.From = "default"
	}
	if q.Family() == netfilter.IPv4 || hasIPv6 {
		p.Rules = f.Masq.Chain(q.Family(), c).Rules
	}
	if table {
		spec := f.Masq.Table(q.Family(), c)
		p.Table = &spec
	}
	answer := explain.ByFile(q, p).ReplacedDefault(q, config.Default(f.Config).NonMasquerade, c.NonMasquerade)
	if slices.Contains(loaded.Files, f.ConfigFile) {
		return answer // --config is the file, not a directory
	}
	return answer.WrittenIn(loaded.Origins)
}
