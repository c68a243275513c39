// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

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
	dryRun := group.Bool("dry-run", false, "only print what would be removed, as input for a command; exit with status 1 if there is something")
	stay := group.Bool("stay", false, "after the rules are removed, wait for SIGTERM or SIGINT, then exit with status 0; for the container of a DaemonSet, which must not exit")
	set.Check(func() error {
		if *stay && *dryRun {
			return errors.New("--stay and --dry-run: use only one; --stay waits after rules were removed")
		}
		return nil
	})
	return func(ctx context.Context, stdout io.Writer) error {
		o := cleanup.Options{Chain: set.Masq.ChainName, Backend: set.Backend, DryRun: *dryRun}
		if *stay {
			return cleanAndStay(ctx, set, o, stdout)
		}
		return clean(ctx, set, o, stdout)
	}
}

// cleanAndStay removes the rules and waits for a signal. A signal that arrives
// during the removal takes effect after it, so that the exit status reports whether
// the rules are removed.
func cleanAndStay(ctx context.Context, set *flags.Set, o cleanup.Options, stdout io.Writer) error {
	signaled, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := clean(ctx, set, o, stdout); err != nil {
		return err
	}
	if os.Getpid() == 1 {
		go iptables.Reap(signaled) // of probes and other commands in the container
	}
	<-signaled.Done()
	return nil
}

// clean removes the rules and prints the results. It returns errFound if something
// is left to remove.
func clean(ctx context.Context, set *flags.Set, o cleanup.Options, stdout io.Writer) error {
	results, err := cleanup.Run(ctx, o)
	switch {
	case err != nil:
		return err
	case set.Output == flags.JSON:
		err = printJSON(stdout, results)
	default:
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
