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
	"syscall"
	"time"

	"ip-masq-agent/pkg/cleanup"
	"ip-masq-agent/pkg/flags"
	"ip-masq-agent/pkg/iptables"
)

const cleanupAbout = `cleanup removes the rules that the agent wrote, and nothing else: its chain and all
rules of POSTROUTING that jump to it, in iptables-nft and iptables-legacy, and the
table ip-masq-agent of the backend nftables, for both IP families. It is not an
error if there are none. A running agent would write its rules again, so delete its
DaemonSet first. manifests/cleanup.yaml runs cleanup on every node.`

func cleanupFlags(set *flags.Set) runFunc {
	group := set.Group("Cleanup")
	set.AddChain(group, "`name` of the chain to remove, such as IP-MASQ-AGENT of another agent")
	set.AddBackendWithUsage(group, "`name` of the backend to clean: auto (all backends), iptables-nft, iptables-legacy or nftables")
	dryRun := group.Bool("dry-run", false, "only print what would be removed, as input for a command; exit with status 1 if there is something, or if a running agent prevents the removal")
	stay := group.Bool("stay", false, "wait for a running agent to end, remove its rules, and remove them again if they return, until SIGTERM or SIGINT; for the container of a DaemonSet, which must not exit")
	set.AddHTTPAddressWithUsage(group, "`address` at which a running agent would serve /metrics, which is how cleanup finds an agent in another pod; empty: do not ask")
	set.Check(func() error {
		if *stay && *dryRun {
			return errors.New("--stay and --dry-run: use only one; --stay removes rules")
		}
		return nil
	})
	return func(ctx context.Context, stdout io.Writer) error {
		o := cleanup.Options{Chain: set.Masq.ChainName, Backend: set.Backend, DryRun: *dryRun, HTTPAddress: set.HTTPAddress}
		if *stay {
			return cleanAndStay(ctx, set, o, stdout)
		}
		return clean(ctx, set, o, stdout)
	}
}

// checkInterval is the time between two checks of cleanup --stay. An agent that is
// being deleted still writes its rules after the first check.
const checkInterval = 5 * time.Second

// cleanAndStay removes the rules, and again whenever it finds some, until a signal
// arrives. While an agent runs that would write them again, it waits for its end. A
// signal that arrives during a removal takes effect after it, so that the exit
// status reports whether the rules are removed.
func cleanAndStay(ctx context.Context, set *flags.Set, o cleanup.Options, stdout io.Writer) error {
	signaled, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if os.Getpid() == 1 {
		go iptables.Reap(signaled) // of probes and other commands in the container
	}
	refusal, printed := "", false
	for {
		results, err := cleanup.Run(ctx, o)
		switch {
		case errors.Is(err, cleanup.ErrAgentRuns):
			if err.Error() != refusal {
				fmt.Fprintf(os.Stderr, "ip-masq-agent: %v; checking again every %v\n", err, checkInterval)
			}
			refusal, printed = err.Error(), false
		case err != nil:
			return err
		default:
			if printed { // the rest of the results is known
				results = cleanup.Changes(results)
			}
			if !printed || len(results) > 0 {
				if err := printCleanup(set, o, results, stdout); err != nil {
					return err
				}
			}
			refusal, printed = "", true
		}
		select {
		case <-signaled.Done():
			if refusal != "" {
				return errFound
			}
			return nil
		case <-time.After(checkInterval):
		}
	}
}

// clean removes the rules and prints the results. With --dry-run it prints them also
// if a running agent prevents the removal.
func clean(ctx context.Context, set *flags.Set, o cleanup.Options, stdout io.Writer) error {
	results, err := cleanup.Run(ctx, o)
	if results == nil {
		return err
	}
	if printErr := printCleanup(set, o, results, stdout); err == nil {
		err = printErr
	}
	return err
}

// printCleanup prints the results. It returns errFound if something is left to
// remove.
func printCleanup(set *flags.Set, o cleanup.Options, results []cleanup.Result, stdout io.Writer) error {
	var err error
	if set.Output == flags.JSON {
		err = printJSON(stdout, results)
	} else {
		err = o.Write(stdout, results)
	}
	switch {
	case err != nil:
		return err
	case !o.Complete(results):
		return errFound
	}
	return nil
}
