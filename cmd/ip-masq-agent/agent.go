// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"k8s.io/klog/v2"

	"ip-masq-agent/pkg/agent"
	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/status"
)

// runAgent is the program without a verb: the daemon of the DaemonSet.
func runAgent(ctx context.Context, f *flags) error {
	useOneCPU()
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
	families, optional := f.ipv6.families()
	// Health is served before anything that can hang.
	observer := status.New(version, families, optional...)
	if f.httpAddress != "" {
		beside.Go(func() { observer.Serve(ctx, f.httpAddress) })
	}
	// What initialized the program is not needed again: the peak is 1.4 MB less.
	// Where the pages cannot be dropped they stay.
	_ = dropProgramPages()
	query := backend.Query{Prefer: f.backend, Chain: f.masq.ChainName, Families: families, ToPorts: len(f.masq.ToPorts) > 0}
	choice, err := backend.Choose(ctx, query, observer.Starting)
	switch {
	case ctx.Err() != nil:
		return nil // asked to stop, which is no failure
	case err != nil:
		return err
	}
	tables, options := map[netfilter.Family]agent.Table{}, map[netfilter.Family]agent.Optional{}
	for _, family := range optional {
		options[family] = whenForwarding(choice.Backend, query)
	}
	for _, family := range slices.Concat(families, optional) {
		tables[family] = backend.NewTable(choice.Backend, family, f.masq)
		observer.SetBackend(family, string(choice.Backend))
	}
	log.Info("Starting to sync", "chain", f.masq.ChainName, "families", fmt.Sprint(families), "enableIPv6", f.ipv6, "file", f.configFile)
	beside.Go(func() { backend.Watch(ctx, choice, query) })
	for _, after := range shrinkTimes() {
		time.AfterFunc(after, func() {
			if err := shrink(); err != nil {
				log.V(1).Info("Keeping the memory of the start", "err", err)
			}
		})
	}
	a := agent.Agent{
		ConfigFile: f.configFile,
		Config:     f.config,
		Tables:     tables,
		Optional:   options,
		Observer:   observer,
	}
	a.Run(ctx)
	return nil
}
