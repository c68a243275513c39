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
	"ip-masq-agent/pkg/masq"
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
	set.StringVar(&f.source, "source", "", "`address` of the pod, or of another source; by default a pod of the first range of sourceCIDRs, or any pod")
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
	destinations, err := f.destinations()
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
	for _, destination := range destinations {
		q, err := f.question(routes, destination, loaded.Config)
		if err != nil {
			return err
		}
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

// destinations reads the operands.
func (f *flags) destinations() ([]netip.Addr, error) {
	source := f.sourceAddress()
	var out []netip.Addr
	for _, word := range f.operands {
		dst, err := netip.ParseAddr(word)
		switch {
		case err != nil || dst.Zone() != "":
			return nil, fmt.Errorf("destination %q is not an IP address", word)
		case source.IsValid() && source.Is4() != dst.Unmap().Is4():
			return nil, fmt.Errorf("--source %s and destination %s are of two families", source, dst)
		}
		out = append(out, dst.Unmap())
	}
	return out, nil
}

// sourceAddress is --source; the zero Addr if it was not given.
func (f *flags) sourceAddress() netip.Addr {
	source, _ := netip.ParseAddr(f.source) // validate has seen it
	return source.Unmap()
}

// question asks this node for the routes of a new connection. Without --source it
// is one of a pod of the first range of sourceCIDRs, if the file has any.
func (f *flags) question(routes *host.Routes, destination netip.Addr, c config.Config) (explain.Question, error) {
	q := explain.Question{Source: f.sourceAddress(), Destination: destination}
	var err error
	if ranges := masq.Sources(netfilter.FamilyOf(destination), c); len(ranges) > 0 && !q.Source.IsValid() {
		q.Assumed = ranges[0]
		if q.Source, err = podOf(routes, ranges[0]); err != nil {
			return q, err
		}
	}
	if q.Route, err = routes.Between(q.Source, q.Destination); err != nil {
		return q, err
	}
	if q.Source.IsValid() {
		q.SourceRoute, err = routes.To(q.Source)
	}
	return q, err
}

// podOf returns the first address of a range that may be a pod's: not the network
// address, and not this node's, such as that of its bridge to the pods.
func podOf(routes *host.Routes, r netip.Prefix) (netip.Addr, error) {
	const most = 16 // addresses that are looked at
	for a, n := r.Addr().Next(), 0; n < most && a.IsValid() && r.Contains(a); a, n = a.Next(), n+1 {
		route, err := routes.To(a)
		if err != nil || !route.Local() {
			return a, err
		}
	}
	return r.Addr(), nil
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
