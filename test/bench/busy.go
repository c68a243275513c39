// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"fmt"
	"strings"
	"time"
)

// busy is what the agent does while a kube-proxy commits all the time.
type busy struct {
	CPU     float64 // of one CPU
	Commits float64 // a second
	Passes  float64 // a second: how often the agent verified its rules
}

// commitInterval is the pause between two commits of the kube-proxy.
const commitInterval = 100 * time.Millisecond

func measureBusy(p plan, t *table) (b busy, err error) {
	err = during(p, theAgent, t, time.Minute, func(run *process, _ time.Time) error {
		commits := 0
		began := time.Now()
		w, err := run.window(func() error {
			for time.Since(began) < p.Busy {
				// The number of endpoints changes, so that legacy's size does too.
				rules := ":KUBE-SVC-CHURN - [0:0]\n" + strings.Repeat("-A KUBE-SVC-CHURN -j RETURN\n", 1+commits%7)
				if err := t.restore(rules); err != nil {
					return fmt.Errorf("committing as kube-proxy: %w", err)
				}
				commits++
				time.Sleep(commitInterval)
			}
			return nil
		})
		took := time.Since(began).Seconds()
		b = busy{w.cpu.Seconds() / took, float64(commits) / took, float64(w.ticks) / took}
		return err
	})
	return b, err
}
