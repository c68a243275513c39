// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"errors"
	"runtime"
	"slices"
	"time"
)

// cellQuestion asks for one table with all sides in turn.
type cellQuestion struct {
	Plan  plan
	Table table
}

// cellAnswer has, for each side, its rounds, and what it started and wrote.
type cellAnswer struct {
	Rounds map[side][]round
	Counts map[side]counts
	Busy   busy // the agent's alone
}

// round is what one side did in one round.
type round struct {
	Start  time.Duration // to the rules, by the clock,
	Begin  time.Duration // and in CPU time
	Tick   time.Duration // CPU of a tick of the interval, with the next one soon after
	Repair time.Duration // CPU of a tick that found the chain flushed
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
		order = slices.Concat(order[1:], order[:1]) // so that no side is always the first
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
		// Between two repairs there may be ticks that repair nothing.
		others := time.Duration(max(w.ticks-p.Repairs, 0)) * r.Tick
		r.Repair = max(w.cpu-others, 0) / time.Duration(p.Repairs)
		return err
	})
	return r, err
}

// during runs a side from before it has written anything, gives it to measure
// when its rules are in force, and takes all away again.
func during(p plan, s side, t *table, interval time.Duration, measure func(run *process, inForce time.Time) error, env ...string) error {
	before, err := look(t.Backend)
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

// repair flushes the chain while the side is between two passes, and waits
// until it is whole again and the side is done.
func repair(run *process, t *table, interval time.Duration) error {
	if _, err := t.heal(interval + patience); err != nil {
		return err
	}
	return run.settle(30 * time.Millisecond)
}

// window is what a process did in a stretch of time.
type window struct {
	cpu   time.Duration
	ticks int
}

func (p *process) window(wait func() error) (w window, err error) {
	ticks, err := p.syncs()
	if err != nil {
		return w, err
	}
	time.Sleep(20 * time.Millisecond) // the question for the ticks costs time too
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
