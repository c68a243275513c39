// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package agent is the loop that keeps the rules of a node in sync with the file.
//
//  1. Each second one goroutine checks the file and the kernel for changes, with
//     one or two system calls each, and one more for each file of a directory
//     that is not a volume. It reads the file if that may have changed. Another
//     system call asks whether an optional family that is off is needed.
//  2. A valid file, or a missing one, which means the defaults, becomes the
//     desired state. An invalid file changes nothing: the last valid one stays.
//  3. Each family has a syncer, which makes the kernel hold the desired rules: at
//     once when they are new, within a second after the kernel shows that
//     something was committed, otherwise every resyncInterval, and soon again
//     after a failure. The syncer of an optional family begins when the node
//     needs the family.
//  4. The loop ends when its context is done. The rules stay in force.
//
// The families share only the desired state, so a family that fails or hangs does
// not affect the other.
package agent

import (
	"context"
	"sync"

	"k8s.io/klog/v2"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/netfilter"
)

// Table is the rules of one IP family in the kernel, in any backend.
type Table interface {
	// Apply makes the kernel hold the rules of a configuration, in one commit, and
	// reports what it wrote. It is idempotent. After an error the kernel holds the
	// rules that it held before, or what another program made of them.
	Apply(ctx context.Context, c config.Config) (netfilter.Report, error)
	// HasRules reports whether the kernel has rules of the agent, of any content.
	HasRules(ctx context.Context) (bool, error)
	// Reconnect makes packets reach the rules in the kernel, and does not change
	// these rules. It reports whether it wrote anything.
	Reconnect(ctx context.Context) (bool, error)
	// Change reports, without starting a process, whether anything was committed
	// since the last successful Apply. It does not block, because one goroutine
	// checks all tables.
	Change() (netfilter.Change, error)
	// Traffic returns the counters of the rules, without starting a process.
	Traffic() (netfilter.Traffic, error)
}

// Agent keeps the tables of the enabled families in sync with a file.
type Agent struct {
	ConfigFile string
	Config     config.Options
	Tables     map[netfilter.Family]Table
	// Optional contains the families of Tables that are not enabled from the start.
	Optional map[netfilter.Family]Optional
	Observer Observer
	Ticker   Ticker // returns false when the context of Run is done
}

// Run runs the loop until ctx is done. No failure ends it earlier.
func (a *Agent) Run(ctx context.Context) {
	log := klog.FromContext(ctx)
	file := source{path: a.ConfigFile, options: a.Config}
	var syncers []*syncer
	var running sync.WaitGroup
	for family, table := range a.Tables {
		s := newSyncer(family, table, a.Observer)
		if o, ok := a.Optional[family]; ok {
			s.option = &option{Optional: o}
		}
		syncers = append(syncers, s)
		running.Go(func() { s.run(ctx) })
	}
	defer running.Wait()

	for {
		a.Observer.Polled()
		d, changed := file.poll(log)
		if changed {
			a.Observer.ConfigRead(d.status)
		}
		for _, s := range syncers {
			if changed {
				s.set(d)
			} else {
				s.checkForChange(log)
			}
		}
		if !a.Ticker.Wait() {
			return
		}
	}
}
