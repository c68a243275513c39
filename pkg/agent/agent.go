// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package agent answers: what does the agent do, and when?
//
//  1. Each second it reads the file. What it read before is passed over.
//  2. A good file, or a missing one, which means the defaults, becomes what is
//     wanted. A refused one changes nothing: the last good one stays wanted.
//  3. Each family has a keeper, which makes its table as wanted: at once when
//     that is new, within a second of the kernel's showing that something was
//     committed, else each resyncInterval, and soon again after a failure.
//  4. It stops when its context does. The rules stay.
//
// The families share nothing but what is wanted, so one that fails, or hangs,
// never keeps the other from its rules.
package agent

import (
	"context"
	"sync"
	"time"

	"k8s.io/klog/v2"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
)

// beatInterval is how often the file is read and the kernel looked at, in one
// go: each waking up costs more than both. The file is some 300 bytes; and file
// watchers miss how the kubelet changes a ConfigMap volume, by renaming the
// directory that the file's link points into.
const beatInterval = time.Second

// Table is one family's nat table, as *iptables.NAT is.
type Table interface {
	// Apply makes the kernel hold the chain, and tells what it had to do.
	Apply(ctx context.Context, want iptables.Chain) (iptables.Report, error)
	// HasRules tells whether the kernel has a chain of that name with rules.
	HasRules(ctx context.Context, chain string) (bool, error)
	// Look tells, without running a process, whether anything was committed
	// since the last Apply that succeeded.
	Look() (iptables.Sign, error)
	// Traffic tells, without running a process, what the chain counted.
	Traffic() (iptables.Traffic, error)
}

// Agent keeps the tables of the enabled families as a file says.
type Agent struct {
	ConfigFile string
	Config     config.Options
	Masq       masq.Options
	Tables     map[iptables.Family]Table
	Observer   Observer
}

// Run works until ctx is done. Nothing that goes wrong ends it earlier.
func (a *Agent) Run(ctx context.Context) {
	log := klog.FromContext(ctx)
	file := source{path: a.ConfigFile, options: a.Config}
	var keepers []*keeper
	var running sync.WaitGroup
	for family, table := range a.Tables {
		k := newKeeper(family, table, a.Masq, a.Observer)
		keepers = append(keepers, k)
		running.Go(func() { k.run(ctx) })
	}
	defer running.Wait()

	tick := time.NewTicker(beatInterval)
	defer tick.Stop()
	for {
		a.Observer.Turned()
		w, changed := file.poll(log)
		if changed {
			a.Observer.ConfigRead(w.status)
		}
		for _, k := range keepers {
			if changed {
				k.want(w)
			} else {
				k.beat()
			}
		}
		select {
		case <-ctx.Done():
			log.Info("Stopping: the rules stay in force")
			return
		case <-tick.C:
		}
	}
}
