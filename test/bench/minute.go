// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"runtime"
	"time"
)

// minuteQuestion asks for the measurements of one side on a table of its own,
// with the default interval.
type minuteQuestion struct {
	Plan    plan
	Table   table
	Side    side
	StartAt time.Time // when all tables are loaded
}

type minuteAnswer struct {
	Repaired time.Duration   // time from a flush to the restored chain
	Idle     []time.Duration // CPU time of idle intervals, each with one sync
	Again    time.Duration   // time from a second flush; only for the agent
	Peak     peak
}

// settled is the time after which the agent no longer reads a new file.
const settled = 4 * time.Second

// measureMinute flushes the chain right after the first sync, which is the
// worst time both for a side that waits for the next sync and for one that
// checks every second.
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
	before, err := readSign(t.Backend)
	if err != nil {
		return a, err
	}
	run, err := start(q.Plan, q.Side, t, q.Plan.Interval)
	if err != nil {
		return a, err
	}
	q.Table = *t // with the sign that load has found
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
	if a.Repaired, err = q.Table.timeRepair(q.Plan.Interval + patience); err != nil {
		return err
	}
	// The agent checks a commit during a sync in the next second.
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
	if q.Side == theAgent { // the commands would only wait for their next sync
		a.Again, err = q.Table.timeRepair(q.Plan.Interval + patience)
	}
	return err
}

// timeRepair flushes the chain and returns how long it takes until it is restored.
func (t *table) timeRepair(patience time.Duration) (time.Duration, error) {
	at, flushed, err := t.flush()
	if err != nil {
		return 0, err
	}
	restored, err := t.waitInForce(flushed, patience)
	return restored.Sub(at), err
}
