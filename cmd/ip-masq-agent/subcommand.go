// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"ip-masq-agent/pkg/flags"
	"ip-masq-agent/pkg/running"
)

// subcommand is a command that prints results and exits. Its exit status is 1 if
// they need attention.
type subcommand struct {
	name     string
	args     string // the arguments in --help; empty: none
	minArgs  int
	summary  string // one line
	about    string // one paragraph
	addFlags func(*flags.Set) runFunc
}

// runFunc runs a subcommand after its flags are parsed.
type runFunc func(ctx context.Context, stdout io.Writer) error

func subcommands() []subcommand {
	return []subcommand{
		{"check", "FILE...", 1, "validate configuration files, or print the rules they result in", checkAbout, checkFlags},
		{"explain", "DESTINATION...", 1, "print the source address that a connection gets, and why", explainAbout, explainFlags},
		{"doctor", "", 0, "report problems on this node", doctorAbout, doctorFlags},
		{"cleanup", "", 0, "remove the agent's rules from this node", cleanupAbout, cleanupFlags},
	}
}

func findSubcommand(name string) (subcommand, bool) {
	for _, s := range subcommands() {
		if s.name == name {
			return s, true
		}
	}
	return subcommand{}, false
}

// subcommandNames lists the subcommands, for messages.
func subcommandNames() string {
	var names []string
	for _, s := range subcommands() {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

func (s subcommand) run(ctx context.Context, args []string, stdout io.Writer) error {
	command := "ip-masq-agent " + s.name
	set := flags.New(s.about + "\n\nUsage:\n  " + strings.TrimSpace(command+" [flags] "+s.args) +
		"\n\nExit status: 0 fine, 1 problems were found or the command failed, 2 wrong usage.\n")
	run := s.addFlags(set)
	set.AddOutput()
	err := set.Parse(args)
	if errors.Is(err, flags.ErrHelp) {
		return set.Help(stdout)
	}
	if err == nil {
		err = s.checkArgs(set.Args)
	}
	if err != nil {
		return usageError{err, command}
	}
	err = run(ctx, stdout)
	var argument argumentError
	if errors.As(err, &argument) {
		return usageError{argument, command}
	}
	return err
}

// argumentError is an invalid argument of a subcommand.
type argumentError struct{ error }

func (s subcommand) checkArgs(args []string) error {
	switch {
	case s.args == "" && len(args) > 0:
		return fmt.Errorf("unexpected argument %q: %s has no arguments", args[0], s.name)
	case len(args) < s.minArgs:
		return fmt.Errorf("missing argument: give at least one %s", strings.TrimSuffix(s.args, "..."))
	}
	return nil
}

// agentUsage is the part of the agent's --help before the flags.
func agentUsage() string {
	const line = "  %-36s  %s\n"
	var b strings.Builder
	b.WriteString("ip-masq-agent decides which traffic of the pods on a Kubernetes node is masqueraded\n" +
		"(SNAT to the node's address). It manages one iptables chain, or one nftables table,\n" +
		"according to a configuration file.\n\nUsage:\n")
	fmt.Fprintf(&b, line, "ip-masq-agent [flags]", "run the agent")
	for _, s := range subcommands() {
		fmt.Fprintf(&b, line, strings.TrimSpace("ip-masq-agent "+s.name+" "+s.args), s.summary)
	}
	fmt.Fprintf(&b, line, "ip-masq-agent SUBCOMMAND --help", "print the flags of a subcommand")
	return b.String()
}

// useRunningAgent sets the options to those of the agent that runs on this node, if
// no flag of the agent is on the command line. Other flags would produce false
// differences. It returns nil if no agent was found, or none was searched for.
func useRunningAgent(set *flags.Set) (*running.Agent, error) {
	if set.Changed(flags.AgentFlags()...) {
		return nil, nil
	}
	a, err := running.Single()
	if a != nil {
		set.Options = a.Options
		set.ConfigFile = a.ConfigFile()
	}
	return a, err
}

// printUsedFlags prints whose flags a subcommand uses. The agent a is the result of
// useRunningAgent.
func printUsedFlags(w io.Writer, set *flags.Set, a *running.Agent) {
	switch {
	case a != nil && a.Root() != "":
		fmt.Fprintf(w, "Using the flags of the running agent, process %d in another container: %s\n", a.PID, a.Line())
	case a != nil:
		fmt.Fprintf(w, "Using the flags of the running agent, process %d: %s\n", a.PID, a.Line())
	case !set.Changed(flags.AgentFlags()...):
		fmt.Fprintln(w, "No running agent found, using the default flags")
	default:
		fmt.Fprintln(w, "Using the flags given here, and defaults for the others")
	}
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
