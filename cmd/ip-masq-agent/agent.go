// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"

	"k8s.io/klog/v2"

	"ip-masq-agent/pkg/agent"
	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/status"
)

// runAgent is the program without a verb: the daemon of the DaemonSet.
func runAgent(ctx context.Context, f *flags) error {
	frugal()
	log := klog.FromContext(ctx)
	log.Info("Starting ip-masq-agent", "version", version)
	if os.Getpid() == 1 {
		go iptables.Reap(ctx)
	}
	choice, err := iptables.Detect(ctx, f.backend, f.masq.ChainName)
	switch {
	case ctx.Err() != nil:
		return nil // asked to end, which is no failure of what was cut off
	case err != nil:
		return err
	}
	log.Info("Chose the iptables backend", "backend", choice.Backend, "why", choice.Why)
	if choice.Unread != nil {
		log.Error(choice.Unread, "Could not look at all that tells the backend")
	}
	if choice.Leftover != "" {
		log.Info("Warning: the other backend holds a chain of the same name, and its rules are in force too; remove it if this agent, or one before it, left it there",
			"backend", choice.Leftover, "chain", f.masq.ChainName)
	}
	families := []netfilter.Family{netfilter.IPv4}
	if f.config.IPv6 {
		families = append(families, netfilter.IPv6)
	}
	tables := map[netfilter.Family]agent.Table{}
	for _, family := range families {
		tables[family] = backend.NewTable(choice.Backend, family, f.masq)
	}
	log.Info("Keeping the chain", "chain", f.masq.ChainName, "families", fmt.Sprint(families), "file", f.configFile)
	observer := status.New(version, families)
	if f.httpAddress != "" {
		var serving sync.WaitGroup
		defer serving.Wait()
		serving.Go(func() { observer.Serve(ctx, f.httpAddress) })
	}
	a := agent.Agent{
		ConfigFile: f.configFile,
		Config:     f.config,
		Tables:     tables,
		Observer:   observer,
	}
	a.Run(ctx)
	return nil
}

// frugal makes the process as small as its work, on each node of a cluster and
// for good, unless the environment says otherwise. What is live is 0.4 MB: the
// runtime's usual 4 MB of garbage before a collection, and caches and threads
// for each CPU of the node (11 MB more on one with 64), are for programs that
// compute. The agent waits for its children, which have CPUs of their own.
func frugal() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(25) // of 4 MB
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
}
