// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Command ip-masq-agent keeps, on a Kubernetes node, the nat chain that decides
// which pod traffic leaves with the node's address and which keeps the pod's.
//
//  1. If the first argument is a verb, do that and end: see verbs.go.
//  2. Read the flags, and refuse what could break a restore input.
//  3. Choose the iptables backend that the rest of the node uses.
//  4. Keep the tables as the file says, until SIGTERM or SIGINT.
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

	"github.com/spf13/pflag"
	"k8s.io/klog/v2"
)

// version is set by the linker: -X main.version=v1.2.3.
var version = "devel"

// The exit statuses: exitFailure is also a verb's that found something, and
// exitUsage is for what a look at --help mends.
const (
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	drain, err := decoupleStderr()
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

// run runs what args say. drain writes out what was logged, before an end that
// does not return here.
func run(ctx context.Context, args []string, stdout io.Writer, drain func()) error {
	if v, ok := findVerb(args); ok {
		f := v.newFlags()
		if done, err := parse(f, args[1:], v.min, v.max, "ip-masq-agent "+v.name, stdout); done {
			return err
		}
		return v.run(ctx, f, stdout)
	}
	f := agentFlags()
	if done, err := parse(f, args, 0, 0, "ip-masq-agent", stdout); done {
		return err
	}
	if f.version {
		_, err := fmt.Fprintln(stdout, "ip-masq-agent", version)
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// What cannot be cancelled, such as reading a file of a mount that hangs,
	// must not keep the agent from ending: the rules stay either way.
	defer context.AfterFunc(ctx, func() {
		time.Sleep(grace)
		drain()
		os.Exit(0)
	})()
	return runAgent(ctx, f)
}

// grace is how long the agent may take to end by itself.
const grace = 1500 * time.Millisecond

// parse reads a command line; done tells that nothing is left to do.
func parse(f *flags, args []string, min, max int, command string, stdout io.Writer) (done bool, err error) {
	switch err := f.parse(args, min, max); {
	case errors.Is(err, pflag.ErrHelp):
		return true, f.help(stdout)
	case err != nil:
		return true, usageError{err, command}
	}
	return false, nil
}

// errFound is the end of a verb that found something, and has said what.
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
