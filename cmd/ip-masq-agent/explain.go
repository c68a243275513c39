// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/doctor"
	"ip-masq-agent/pkg/explain"
	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
)

const explainAbout = `explain says with whose address a new connection to a destination leaves, the
pod's or the node's, and which rule decides so. It asks the file, or with --live
what the kernel of this node holds, and then says whether the two differ.
A destination is that of the packet as it leaves: a pod's address, not a Service's.
Without flags of Rules and Configuration it takes those of the agent that runs here.`

func explainFlags(f *flags) {
	f.ruleFlags()
	f.fileFlags()
	set := f.group("Explain")
	set.StringVar(&f.source, "source", "", "`address` of the pod; rules of others may depend on it")
	set.BoolVar(&f.live, "live", false, "ask the kernel of this node, and compare the file with it")
	f.backendFlag(set, agentBackend)
}

// explained is the JSON of explain.
type explained struct {
	Agent   *runningAgent    `json:"agent,omitempty"` // whose flags were taken
	Answers []explain.Answer `json:"answers"`
}

func runExplain(ctx context.Context, f *flags, stdout io.Writer) error {
	routes, err := host.OpenRoutes()
	if err != nil {
		return err
	}
	defer routes.Close()
	questions, err := f.questions(routes)
	if err != nil {
		return usageError{err, "ip-masq-agent explain"}
	}
	agent, err := f.adopt()
	if err != nil {
		return err
	}
	loaded, refused := config.Load(f.configFile, f.config)
	if refused != nil && !f.live {
		return fmt.Errorf("the file is rejected, so an agent continues with what it read before; --live asks the kernel:\n%w", refused)
	}
	var rules netfilter.Ruleset
	if f.live {
		rules, _ = doctor.Rules(ctx)
	}
	out, known := explained{Agent: agent}, refused == nil
	hasIPv6, whyNot := f.managesIPv6(ctx, agent)
	for _, q := range questions {
		answer := f.byFile(q, loaded, hasIPv6)
		if netfilter.FamilyOf(q.Destination) == netfilter.IPv6 && !hasIPv6 && !answer.Local {
			answer.Why = "the agent has no IPv6 chain: " + whyNot
		}
		if f.live {
			live := explain.ByKernel(q, f.masq.ChainName, rules)
			// What cannot be looked at is not visible.
			live.First, _ = routes.EBPF(q.SourceRoute.Device, q.Route.Device)
			if refused == nil {
				live = live.Against(answer)
			}
			answer = live
		}
		known = known && answer.Known()
		out.Answers = append(out.Answers, answer)
	}
	if err := f.printExplained(stdout, out, refused); err != nil {
		return err
	}
	if !known {
		return errFound
	}
	return nil
}

func (f *flags) printExplained(stdout io.Writer, out explained, refused error) error {
	if f.output == outputJSON {
		return printJSON(stdout, out)
	}
	out.Agent.print(stdout)
	if out.Agent == nil && !f.agentFlagsGiven() {
		fmt.Fprintln(stdout, "No agent was found running here, so the default flags are assumed")
	}
	if refused != nil {
		fmt.Fprintf(stdout, "The file is rejected, so only the kernel is asked:\n%v\n", refused)
	}
	return explain.Write(stdout, out.Answers)
}

// questions reads the destinations, and asks this node for the routes.
func (f *flags) questions(routes *host.Routes) ([]explain.Question, error) {
	source, _ := netip.ParseAddr(f.source) // validate has seen it
	var out []explain.Question
	for _, word := range f.operands {
		dst, err := netip.ParseAddr(word)
		switch {
		case err != nil || dst.Zone() != "":
			return nil, fmt.Errorf("destination %q is not an IP address", word)
		case source.IsValid() && source.Unmap().Is4() != dst.Unmap().Is4():
			return nil, fmt.Errorf("--source %s and destination %s are of two families", source, dst)
		}
		q := explain.Question{Source: source.Unmap(), Destination: dst.Unmap()}
		if q.Route, err = routes.Between(q.Source, q.Destination); err != nil {
			return nil, err
		}
		if q.Source.IsValid() {
			if q.SourceRoute, err = routes.To(q.Source); err != nil {
				return nil, err
			}
		}
		out = append(out, q)
	}
	return out, nil
}

// byFile asks the chain that the file makes.
func (f *flags) byFile(q explain.Question, loaded config.Loaded, hasIPv6 bool) explain.Answer {
	c := loaded.Config
	var rules []iptables.Rule
	if of := netfilter.FamilyOf(q.Destination); of == netfilter.IPv4 || hasIPv6 {
		rules = f.masq.Chain(of, c).Rules
	}
	from := "file"
	if len(loaded.Files) == 0 {
		from = "default"
	}
	answer := explain.ByFile(q, from, f.masq.ChainName, rules).
		ReplacedDefault(q, config.Default(f.config).NonMasquerade, c.NonMasquerade)
	if slices.Contains(loaded.Files, f.configFile) {
		return answer // the file is known
	}
	return answer.WrittenIn(loaded.Origins)
}
