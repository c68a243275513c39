// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// report has all measurements.
type report struct {
	plan    plan
	cells   map[key]cellAnswer
	minutes map[key]map[side]minuteAnswer
	packets packetsAnswer
}

// key identifies a table.
type key struct {
	backend  string
	services int
}

func backends() []string { return []string{iptablesNFT, iptablesLegacy, nftables} }

// keys returns the tables in the order of the report.
func (r *report) keys() []key {
	var keys []key
	for _, b := range backends() {
		for _, n := range r.plan.Services {
			keys = append(keys, key{b, n})
		}
	}
	return keys
}

// fill runs the measurements.
func (r *report) fill() error {
	r.cells = map[key]cellAnswer{}
	for _, k := range r.keys() {
		say("%s, %d services: starts, syncs and repairs, %d rounds of %d sides", k.backend, k.services, r.plan.Rounds, len(sides()))
		a, err := ask[cellAnswer]("cell", cellQuestion{r.plan, table{Backend: k.backend, Services: k.services}})
		if err != nil {
			return err
		}
		r.cells[k] = a
	}
	say("%d rounds of %d new connections through chains of 0 to %d CIDRs", r.plan.PacketRounds, r.plan.Connections, r.plan.CIDRs[len(r.plan.CIDRs)-1])
	a, err := ask[packetsAnswer]("packets", packetsQuestion{r.plan})
	if err != nil {
		return err
	}
	r.packets = a
	say("All at once, resyncInterval %v: a flush, and %d idle intervals; about %v", r.plan.Interval, r.plan.Idle, r.plan.Load+time.Duration(r.plan.Idle+2)*r.plan.Interval)
	return r.fillMinutes()
}

// fillMinutes runs all sides on all tables at once, because they mostly wait.
// The agents start one after the other, so that they do not disturb each other.
func (r *report) fillMinutes() error {
	r.minutes = map[key]map[side]minuteAnswer{}
	base := time.Now().Add(r.plan.Load)
	var wait sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for i, k := range r.keys() {
		r.minutes[k] = map[side]minuteAnswer{}
		for _, s := range sides() {
			startAt := base
			if s == theAgent {
				startAt = base.Add(time.Duration(i+1) * r.plan.Interval / 20)
			}
			wait.Go(func() {
				a, err := ask[minuteAnswer]("minute", minuteQuestion{r.plan, table{Backend: k.backend, Services: k.services}, s, startAt})
				mu.Lock()
				defer mu.Unlock()
				r.minutes[k][s] = a
				if err != nil {
					failed = fmt.Errorf("%s, %d services, %s: %w", k.backend, k.services, s, err)
				}
			})
		}
	}
	wait.Wait()
	return failed
}

func (r *report) write(w io.Writer) error {
	machine, err := machineLine()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s\n\n", machine)
	r.writeSides(w)
	fmt.Fprintln(w)
	r.writePackets(w)
	return nil
}
