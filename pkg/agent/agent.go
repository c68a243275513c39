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
	"ip-masq-agent/pkg/netfilter"
)

// beatInterval is how often the file is read and the kernel looked at, in one
// go: each waking up costs more than both. The file is some 300 bytes; and file
// watchers miss how the kubelet changes a ConfigMap volume, by renaming the
// directory that the file's link points into.
const beatInterval = time.Second

// Table is what the kernel holds for one IP family, in whichever backend.
type Table interface {
	// Apply makes the kernel hold the rules that a configuration asks for, in
	// one commit, and reports what it had to do. Applied again it does nothing.
	// On an error the kernel holds what it held, or what another program made
	// of it.
	Apply(ctx context.Context, c config.Config) (netfilter.Report, error)
	// HasRules tells whether the kernel has rules of ours, whatever they say.
	HasRules(ctx context.Context) (bool, error)
	// Look tells, without running a process, whether anything was committed
	// since the last Apply that succeeded.
	Look() (netfilter.Change, error)
	// Traffic returns what the rules counted, without running a process.
	Traffic() (netfilter.Traffic, error)
}

// Agent keeps the tables of the enabled families as a file says.
type Agent struct {
	ConfigFile string
	Config     config.Options
	Tables     map[netfilter.Family]Table
	Observer   Observer
}

// Run works until ctx is done. Nothing that goes wrong ends it earlier.
func (a *Agent) Run(ctx context.Context) {
	log := klog.FromContext(ctx)
	file := source{path: a.ConfigFile, options: a.Config}
	var keepers []*keeper
	var running sync.WaitGroup
	for family, table := range a.Tables {
		k := newKeeper(family, table, a.Observer)
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
