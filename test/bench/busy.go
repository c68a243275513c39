// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"fmt"
	"time"
)

// busy is what the agent does while a kube-proxy commits all the time.
type busy struct {
	CPU     float64 // share of one CPU
	Commits float64 // per second
	Passes  float64 // how often the agent verified its rules, per second
}

// each is the share of one CPU that a sync after each commit would need. It
// assumes that all of the CPU time was used for syncs.
func (b busy) each() float64 {
	if b.Passes == 0 {
		return 0
	}
	return b.CPU / b.Passes * b.Commits
}

// commitInterval is the time between two commits of kube-proxy.
const commitInterval = 100 * time.Millisecond

func measureBusy(p plan, t *table) (b busy, err error) {
	err = during(p, theAgent, t, time.Minute, func(run *process, _ time.Time) error {
		if err := t.restore(":" + churnChain + " - [0:0]\n"); err != nil {
			return err
		}
		commits := 0
		began := time.Now()
		w, err := run.window(func() error {
			tick := time.NewTicker(commitInterval)
			defer tick.Stop()
			for ; time.Since(began) < p.Busy; <-tick.C {
				// Change the number of endpoints, so that the size of a legacy
				// table changes too.
				if err := t.commitRules(1 + commits%7); err != nil {
					return fmt.Errorf("committing as kube-proxy: %w", err)
				}
				commits++
			}
			return nil
		})
		took := time.Since(began).Seconds()
		b = busy{w.cpu.Seconds() / took, float64(commits) / took, float64(w.ticks) / took}
		if err != nil {
			return err
		}
		return t.restore(":" + churnChain + " - [0:0]\n-X " + churnChain + "\n")
	})
	return b, err
}
