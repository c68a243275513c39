// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"context"
	"slices"
	"sync"
	"time"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/netfilter"
)

// recorder is a Table that records when Apply was called, with what. It does not
// model iptables.
type recorder struct {
	start     time.Time
	mu        sync.Mutex
	applied   []application
	report    netfilter.Report
	err       error
	hangs     bool
	lingers   time.Duration // how long Apply takes to return after the end of its context
	hasRules  bool
	rulesErr  error            // of HasRules
	takes     time.Duration    // how long Apply takes
	checks    int              // calls of Change
	change    netfilter.Change // what Change returns
	changeErr error
}

// application is one call of Apply: the time since the start, and the first of
// nonMasqueradeCIDRs, which is enough to tell the configurations of these tests apart.
type application struct {
	At    time.Duration
	First string
}

func (r *recorder) Apply(ctx context.Context, c config.Config) (netfilter.Report, error) {
	r.mu.Lock()
	first := "none"
	if len(c.NonMasquerade) > 0 {
		first = c.NonMasquerade[0].String()
	}
	r.applied = append(r.applied, application{time.Since(r.start), first})
	report, err, hangs, lingers, takes := r.report, r.err, r.hangs, r.lingers, r.takes
	r.mu.Unlock()
	time.Sleep(takes)
	if hangs {
		<-ctx.Done()
		time.Sleep(lingers)
		return report, ctx.Err()
	}
	return report, err
}

func (r *recorder) HasRules(context.Context) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hasRules, r.rulesErr
}

func (r *recorder) Reconnect(context.Context) (bool, error) { return false, nil }

func (r *recorder) Change() (netfilter.Change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checks++
	return r.change, r.changeErr
}

func (r *recorder) Traffic() (netfilter.Traffic, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.report.Traffic, nil
}

// take returns what was applied since the last call of take or takeTimes.
func (r *recorder) take() []application {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.applied
	r.applied = nil
	return out
}

// takeTimes is take without the configurations.
func (r *recorder) takeTimes() []time.Duration {
	var at []time.Duration
	for _, a := range r.take() {
		at = append(at, a.At)
	}
	return at
}

func (r *recorder) set(change func(*recorder)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r)
}

// watcher is an Observer that records the events.
type watcher struct {
	mu        sync.Mutex
	polls     int
	decisions []bool
	configs   []ConfigStatus
	started   map[netfilter.Family]int
	syncs     map[netfilter.Family][]Sync
}

// seen returns the configurations and the syncs of a family so far.
func (w *watcher) seen(f netfilter.Family) ([]ConfigStatus, []Sync) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.configs), slices.Clone(w.syncs[f])
}

// pollCount returns how often the loop has polled.
func (w *watcher) pollCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.polls
}

func (w *watcher) Polled() { w.mu.Lock(); defer w.mu.Unlock(); w.polls++ }
func (w *watcher) ConfigRead(c ConfigStatus) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.configs = append(w.configs, c)
}
func (w *watcher) Decided(_ netfilter.Family, enabled bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.decisions = append(w.decisions, enabled)
}
func (w *watcher) SyncStarted(f netfilter.Family) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.started[f]++
}
func (w *watcher) SyncEnded(f netfilter.Family, s Sync) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.syncs[f] = append(w.syncs[f], s)
}
