// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Command ip-masq-agent manages the nat rules of a Kubernetes node that decide
// which traffic of pods is masqueraded.
//
//  1. If the first argument is a subcommand, run it and exit: see subcommand.go.
//  2. Parse and validate the flags.
//  3. Choose the backend that the rest of the node uses.
//  4. Sync the rules with the configuration until SIGTERM or SIGINT.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/klog/v2"

	"ip-masq-agent/pkg/flags"
	"ip-masq-agent/pkg/stderr"
)

// version is set by the linker: -X main.version=v1.2.3.
var version = "devel"

// The exit statuses.
const (
	exitFailure = 1 // also of a subcommand that found something
	exitUsage   = 2
)

// stopTimeout is the time that the agent has to stop after a signal.
const stopTimeout = 1500 * time.Millisecond

func main() {
	drain, err := stderr.Buffer()
	if err == nil {
		err = run(context.Background(), os.Args[1:], os.Stdout, drain)
	}
	if err != nil && !errors.Is(err, errFound) {
		fmt.Fprintln(os.Stderr, "ip-masq-agent:", err)
	}
	klog.Flush()
	drain()
	os.Exit(exitStatus(err))
}

// run runs the agent or a subcommand. It calls drain, which writes the rest of the
// log, before it exits by itself.
func run(ctx context.Context, args []string, stdout io.Writer, drain func()) error {
	if len(args) > 0 {
		if s, ok := findSubcommand(args[0]); ok {
			return s.run(ctx, args[1:], stdout)
		}
	}
	set := flags.NewAgent(agentUsage())
	switch err := set.Parse(args); {
	case errors.Is(err, flags.ErrHelp):
		return set.Help(stdout)
	case err != nil:
		return usageError{err, "ip-masq-agent"}
	case len(set.Args) > 0 && set.Args[0] != args[0]:
		return usageError{unexpectedArgument(set.Args[0]), "ip-masq-agent"}
	case len(set.Args) > 0:
		return usageError{fmt.Errorf("unknown subcommand %q: the subcommands are %s", set.Args[0], subcommandNames()), "ip-masq-agent"}
	case set.Version:
		_, err := fmt.Fprintln(stdout, "ip-masq-agent", version)
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	signal.Ignore(syscall.SIGHUP) // the agent reads a changed file without it
	// Some system calls cannot be canceled, such as reading a file from a mount that
	// hangs. The agent exits nevertheless: the rules stay in force.
	defer context.AfterFunc(ctx, func() {
		time.Sleep(stopTimeout)
		drain()
		os.Exit(0)
	})()
	return runAgent(ctx, set.Options)
}

// unexpectedArgument returns the error of an argument after the flags of the agent.
func unexpectedArgument(arg string) error {
	return fmt.Errorf("unexpected argument %q after the flags: write a subcommand before them, and the value of a flag after =, as in --enable-ipv6=auto", arg)
}

// errFound means exit status 1 after the results were printed.
var errFound = errors.New("something was found")

// usageError is a mistake on the command line.
type usageError struct {
	error
	command string
}

func (e usageError) Error() string {
	return e.error.Error() + "\nrun '" + e.command + " --help' for the flags"
}

func exitStatus(err error) int {
	if err == nil {
		return 0
	}
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailure
}
