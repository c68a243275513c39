// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"runtime"
	"time"
)

// minuteQuestion asks for one side on a table of its own, at the interval that
// users have.
type minuteQuestion struct {
	Plan    plan
	Table   table
	Side    side
	StartAt time.Time // when all tables of the minute are loaded
}

type minuteAnswer struct {
	Healed time.Duration   // from a flush to the whole chain, by the clock
	Idle   []time.Duration // CPU of intervals in which nothing happens, each with its tick
	Again  time.Duration   // from another flush, after that; the agent's alone
	Peak   peak
}

// settled is how long the agent goes on reading a file that is new.
const settled = 4 * time.Second

// measureMinute flushes the chain right after the first tick. That is the worst
// moment for who waits for the next one, and for who looks each second.
func measureMinute(q minuteQuestion) (a minuteAnswer, err error) {
	runtime.LockOSThread() // for Pdeathsig
	if err := ip("link set lo up"); err != nil {
		return a, err
	}
	t := q.Side.on(q.Table)
	q.Table = *t
	if err := t.load(); err != nil {
		return a, err
	}
	time.Sleep(time.Until(q.StartAt))
	before, err := look(t.Backend)
	if err != nil {
		return a, err
	}
	run, err := start(q.Plan, q.Side, t, q.Plan.Interval)
	if err != nil {
		return a, err
	}
	q.Table = *t // with what load learned
	err = a.measure(q, run, before)
	peak, stopped := run.stop()
	if a.Peak = peak; err == nil {
		err = stopped
	}
	return a, err
}

func (a *minuteAnswer) measure(q minuteQuestion, run *process, before sign) (err error) {
	if _, err := q.Table.waitInForce(before, patience); err != nil {
		return err
	}
	if err := run.settle(30 * time.Millisecond); err != nil {
		return err
	}
	if a.Healed, err = q.Table.heal(q.Plan.Interval + patience); err != nil {
		return err
	}
	// What came during a pass is followed up in the next second.
	if err := run.settle(1500 * time.Millisecond); err != nil {
		return err
	}
	time.Sleep(settled)
	for range q.Plan.Idle {
		w, err := run.window(func() error { time.Sleep(q.Plan.Interval); return nil })
		if err != nil {
			return err
		}
		a.Idle = append(a.Idle, w.cpu)
	}
	if q.Side == theAgent { // the others would wait for their tick once more
		a.Again, err = q.Table.heal(q.Plan.Interval + patience)
	}
	return err
}

// heal flushes the chain and returns how long it takes until it is whole again.
func (t *table) heal(patience time.Duration) (time.Duration, error) {
	at, flushed, err := t.flush()
	if err != nil {
		return 0, err
	}
	healed, err := t.waitInForce(flushed, patience)
	return healed.Sub(at), err
}
