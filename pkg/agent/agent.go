// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package agent answers: what does the agent do, and when?
//
//  1. Each second it looks at the file and at the kernel, in one goroutine and
//     with one or two system calls each, and one more for each file of a
//     directory that is no volume. It reads the file if that may have changed.
//  2. A good file, or a missing one, which means the defaults, becomes what is
//     wanted. A refused one changes nothing: the last good one stays wanted.
//  3. Each family has a keeper, which makes its table as wanted: at once when
//     that is new, within a second of the kernel's showing that something was
//     committed, else each resyncInterval, and soon again after a failure. The
//     keeper of an optional family begins when the node needs the family.
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

// lookInterval is how often the agent looks at the file and the kernel. inotify
// would miss changes: the kubelet replaces the directory that the file's link
// leads to. A subscription to nf_tables' notices would be paid for by others: the
// kernel then builds a message for each rule that kube-proxy commits.
const lookInterval = time.Second

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
	// since the last Apply that succeeded. It does not block, for one goroutine
	// looks at all tables.
	Look() (netfilter.Change, error)
	// Traffic returns what the rules counted, without running a process.
	Traffic() (netfilter.Traffic, error)
}

// Agent keeps the tables of the enabled families as a file says.
type Agent struct {
	ConfigFile string
	Config     config.Options
	Tables     map[netfilter.Family]Table
	// Optional has the families of Tables that are not enabled from the start.
	Optional map[netfilter.Family]Optional
	Observer Observer
}

// Run works until ctx is done. Nothing that goes wrong ends it earlier.
func (a *Agent) Run(ctx context.Context) {
	log := klog.FromContext(ctx)
	file := source{path: a.ConfigFile, options: a.Config}
	var keepers []*keeper
	var running sync.WaitGroup
	for family, table := range a.Tables {
		k := newKeeper(family, table, a.Observer)
		if o, ok := a.Optional[family]; ok {
			k.option = &option{Optional: o}
		}
		keepers = append(keepers, k)
		running.Go(func() { k.run(ctx) })
	}
	defer running.Wait()

	tick := time.NewTicker(lookInterval)
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
				k.lookForChange(log)
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
