// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"errors"
	"runtime"
	"slices"
	"time"
)

// cellQuestion asks for measurements of one table, with all sides in turn.
type cellQuestion struct {
	Plan  plan
	Table table
}

// cellAnswer has, for each side, its rounds, and the processes and writes.
type cellAnswer struct {
	Rounds map[side][]round
	Counts map[side]counts
	Busy   busy // only for the agent
}

// round is the measurement of one side in one round.
type round struct {
	Start  time.Duration // time from the start to the rules,
	Begin  time.Duration // and CPU time for that
	Tick   time.Duration // CPU time of a sync, with a short interval
	Repair time.Duration // CPU time of a sync that found the chain flushed
}

func measureCell(q cellQuestion) (cellAnswer, error) {
	runtime.LockOSThread() // for Pdeathsig
	a := cellAnswer{Rounds: map[side][]round{}, Counts: map[side]counts{}}
	if err := ip("link set lo up"); err != nil {
		return a, err
	}
	if err := q.Table.load(); err != nil {
		return a, err
	}
	order := sides()
	for range q.Plan.Rounds {
		for _, s := range order {
			r, err := measureRound(q.Plan, s, s.on(q.Table))
			if err != nil {
				return a, err
			}
			a.Rounds[s] = append(a.Rounds[s], r)
		}
		order = slices.Concat(order[1:], order[:1]) // so that each side is the first in some rounds
	}
	for _, s := range sides() {
		c, err := count(q.Plan, s, s.on(q.Table))
		if err != nil {
			return a, err
		}
		a.Counts[s] = c
	}
	var err error
	a.Busy, err = measureBusy(q.Plan, &q.Table)
	return a, err
}

func measureRound(p plan, s side, t *table) (r round, err error) {
	err = during(p, s, t, tickInterval, func(run *process, inForce time.Time) error {
		r.Start, r.Begin = inForce.Sub(run.began), run.toRules
		w, err := run.window(func() error { time.Sleep(p.Ticks); return nil })
		r.Tick = w.cpu / time.Duration(max(w.ticks, 1))
		return err
	})
	if err != nil {
		return r, err
	}
	err = during(p, s, t, repairInterval, func(run *process, _ time.Time) error {
		w, err := run.window(func() error {
			for range p.Repairs {
				if err := repair(run, t, repairInterval); err != nil {
					return err
				}
			}
			return nil
		})
		// Between two repairs there may be syncs that repair nothing.
		others := time.Duration(max(w.ticks-p.Repairs, 0)) * r.Tick
		r.Repair = max(w.cpu-others, 0) / time.Duration(p.Repairs)
		return err
	})
	return r, err
}

// during starts a side without any rules, calls measure when its rules are in
// force, and then stops it and removes the rules.
func during(p plan, s side, t *table, interval time.Duration, measure func(run *process, inForce time.Time) error, env ...string) error {
	before, err := readSign(t.Backend)
	if err != nil {
		return err
	}
	run, err := start(p, s, t, interval, env...)
	if err != nil {
		return err
	}
	var unread error
	t.onCommit = func() { run.toRules, unread = run.group.cpu() }
	inForce, err := t.waitInForce(before, patience)
	t.onCommit = nil
	if err = errors.Join(err, unread); err == nil {
		err = run.settle(30 * time.Millisecond)
	}
	if err == nil {
		err = measure(run, inForce)
	}
	if _, stopped := run.stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return err
	}
	return t.clear()
}

// repair flushes the chain while the side is idle, and waits until the side has
// restored it and is idle again.
func repair(run *process, t *table, interval time.Duration) error {
	if _, err := t.timeRepair(interval + patience); err != nil {
		return err
	}
	return run.settle(30 * time.Millisecond)
}

// window is what a process did during a period of time.
type window struct {
	cpu   time.Duration
	ticks int
}

func (p *process) window(wait func() error) (w window, err error) {
	ticks, err := p.syncs()
	if err != nil {
		return w, err
	}
	time.Sleep(20 * time.Millisecond) // reading the number of syncs also takes time
	cpu, err := p.group.cpu()
	if err != nil {
		return w, err
	}
	if err := wait(); err != nil {
		return w, err
	}
	if w.cpu, err = p.group.cpu(); err != nil {
		return w, err
	}
	w.ticks, err = p.syncs()
	return window{w.cpu - cpu, w.ticks - ticks}, err
}
