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
	// The server and the watch end with this function, also if no backend is
	// usable.
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer func() { cancel(); beside.Wait() }()
	log := klog.FromContext(ctx)
	log.Info("Starting ip-masq-agent", "version", version)
	if os.Getpid() == 1 {
		go iptables.Reap(ctx)
	}
	families := []netfilter.Family{netfilter.IPv4}
	if f.config.IPv6 {
		families = append(families, netfilter.IPv6)
	}
	// Health is served before anything that can hang.
	observer := status.New(version, families)
	if f.httpAddress != "" {
		beside.Go(func() { observer.Serve(ctx, f.httpAddress) })
	}
	query := backend.Query{Prefer: f.backend, Chain: f.masq.ChainName, Families: families, ToPorts: len(f.masq.ToPorts) > 0}
	choice, err := backend.Choose(ctx, query, observer.Starting)
	switch {
	case ctx.Err() != nil:
		return nil // asked to stop, which is no failure
	case err != nil:
		return err
	}
	tables := map[netfilter.Family]agent.Table{}
	for _, family := range families {
		tables[family] = backend.NewTable(choice.Backend, family, f.masq)
		observer.SetBackend(family, string(choice.Backend))
	}
	log.Info("Starting to sync", "chain", f.masq.ChainName, "families", fmt.Sprint(families), "file", f.configFile)
	beside.Go(func() { backend.Watch(ctx, choice, query) })
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
