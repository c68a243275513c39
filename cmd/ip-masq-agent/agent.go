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
	"ip-masq-agent/pkg/flags"
	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/memory"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/status"
)

// runAgent runs the agent until ctx is done.
func runAgent(ctx context.Context, o flags.Options) error {
	memory.UseOneCPU()
	// The server and backend.Watch stop when this function returns, also if no
	// backend is usable.
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer func() { cancel(); background.Wait() }()
	log := klog.FromContext(ctx)
	log.Info("Starting ip-masq-agent", "version", version)
	if os.Getpid() == 1 {
		go iptables.Reap(ctx)
	}
	families, optional := o.IPv6.Families()
	// The server starts before anything that can hang.
	observer := status.New(version, families, optional...)
	if o.HTTPAddress != "" {
		background.Go(func() { observer.Serve(ctx, o.HTTPAddress) })
	}
	// The code that initialized the program is not needed again. This makes the peak
	// of the memory 1.4 MB smaller. An error does no harm.
	_ = memory.ReleaseProgramPages()
	for _, after := range memory.ReleaseTimes() {
		time.AfterFunc(after, func() {
			if err := memory.Release(); err != nil {
				log.V(1).Info("Cannot release memory that only the start needed", "err", err)
			}
		})
	}
	query := backend.Query{Prefer: o.Backend, Chain: o.Masq.ChainName, Families: families, ToPorts: len(o.Masq.ToPorts) > 0}
	for {
		choice, err := backend.Choose(ctx, query, observer.Starting)
		switch {
		case ctx.Err() != nil:
			return nil // a signal arrived, which is not an error
		case err != nil:
			return err
		}
		broken, err := runOn(ctx, choice, query, o, observer)
		if err != nil {
			return err
		}
		if broken == nil {
			log.Info("Stopping: the rules stay in force")
			return nil
		}
		log.Error(broken, "The commands of the chosen backend do not run, choosing another backend", "backend", choice.Backend)
		query.Excluded = append(query.Excluded, choice.Backend)
	}
}

// runOn runs the agent on a backend until ctx is done. If --backend does not name
// the backend, and its commands do not run and have written nothing yet,
// runOn returns the reason as broken. Its error is why the agent cannot run at all.
func runOn(parent context.Context, choice backend.Choice, query backend.Query, o flags.Options, observer *status.Status) (broken, err error) {
	ctx, cancel := context.WithCancelCause(parent)
	var background sync.WaitGroup
	defer func() { cancel(nil); background.Wait() }()
	ticker, err := agent.NewTicker(ctx, agent.PollInterval)
	if err != nil {
		return nil, err
	}
	var cannotRun func(error)
	if query.Prefer == backend.Auto {
		cannotRun = cancel
	}
	families, optional := o.IPv6.Families()
	tables, options := map[netfilter.Family]agent.Table{}, map[netfilter.Family]agent.Optional{}
	for _, family := range optional {
		options[family] = whenForwarding(choice.Backend, query)
	}
	for _, family := range slices.Concat(families, optional) {
		tables[family] = backend.NewTable(choice.Backend, family, o.Masq, cannotRun)
		observer.SetBackend(family, string(choice.Backend), o.Masq.ChainName)
	}
	klog.FromContext(ctx).Info("Starting to sync", "chain", o.Masq.ChainName, "families", fmt.Sprint(families), "enableIPv6", o.IPv6, "file", o.ConfigFile)
	background.Go(func() { backend.Watch(ctx, choice, query) })
	a := agent.Agent{
		ConfigFile: o.ConfigFile,
		Config:     o.Config,
		Tables:     tables,
		Optional:   options,
		Observer:   observer,
		Ticker:     ticker,
	}
	a.Run(ctx)
	if parent.Err() != nil {
		return nil, nil
	}
	return context.Cause(ctx), nil
}

// whenForwarding enables IPv6 when the node forwards it.
func whenForwarding(b backend.Name, q backend.Query) agent.Optional {
	q.Families = []netfilter.Family{netfilter.IPv6}
	watch := &host.ForwardingWatch{} // open until the process ends
	return agent.Optional{
		NeededNow: watch.Forwards,
		Needed: func() (bool, string) {
			forwards, why, err := host.ForwardsIPv6()
			if err != nil {
				return false, err.Error()
			}
			return forwards, why
		},
		Possible: func(ctx context.Context) error { return backend.CanHold(ctx, b, q) },
	}
}
