// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/doctor"
	"ip-masq-agent/pkg/explain"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/route"
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
	questions, err := f.questions()
	if err != nil {
		return usageError{err, "ip-masq-agent explain"}
	}
	agent, err := f.adopt()
	if err != nil {
		return err
	}
	out := explained{Agent: agent}
	c, _, err := config.Load(f.configFile, f.config)
	if err != nil && !f.live {
		return fmt.Errorf("the file is refused, so an agent goes on with what it read before; --live asks the kernel:\n%w", err)
	}
	refused := err
	var node *doctor.Node
	if f.live {
		if node, err = doctor.ReadTables(ctx, f.doctorOptions(), c); err != nil {
			return err
		}
	}
	fine := refused == nil
	for _, q := range questions {
		answer := f.byFile(q, c)
		if node != nil {
			own, others := node.InForce(family(q.Destination))
			live := explain.ByKernel(q, f.masq.ChainName, own, others...)
			if refused == nil {
				live = live.Against(answer)
			}
			answer = live
		}
		fine = fine && answer.Fine()
		out.Answers = append(out.Answers, answer)
	}
	if err := f.printExplained(stdout, out, refused); err != nil {
		return err
	}
	if !fine {
		return errFound
	}
	return nil
}

func (f *flags) printExplained(stdout io.Writer, out explained, refused error) error {
	if f.output == outputJSON {
		return printJSON(stdout, out)
	}
	out.Agent.print(stdout)
	if refused != nil {
		fmt.Fprintf(stdout, "The file is refused, so only the kernel is asked:\n%v\n", refused)
	}
	return explain.Write(stdout, out.Answers)
}

// questions reads the destinations, and asks this node for the way to them.
func (f *flags) questions() ([]explain.Question, error) {
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
		if q.Route, err = route.Lookup(q.Destination); err != nil {
			return nil, err
		}
		out = append(out, q)
	}
	return out, nil
}

func family(a netip.Addr) netfilter.Family {
	if a.Is6() {
		return netfilter.IPv6
	}
	return netfilter.IPv4
}

// byFile asks the chain that the file makes.
func (f *flags) byFile(q explain.Question, c config.Config) explain.Answer {
	var rules []iptables.Rule
	if of := family(q.Destination); of == netfilter.IPv4 || f.config.IPv6 {
		rules = f.masq.Chain(of, c).Rules
	}
	from := "file"
	if _, err := os.Stat(f.configFile); errors.Is(err, fs.ErrNotExist) {
		from = "default"
	}
	return explain.ByFile(q, from, f.masq.ChainName, rules)
}
