// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/netfilter"
)

// recorder is a Table that writes down when it was told to apply what. It is
// no model of iptables.
type recorder struct {
	start     time.Time
	mu        sync.Mutex
	applied   []application
	report    netfilter.Report
	err       error
	hangs     bool
	lingers   time.Duration // how long Apply takes to return after the end of its context
	hasRules  bool
	rulesErr  error         // of HasRules
	takes     time.Duration // how long Apply takes
	looks     int
	change    netfilter.Change // what Change returns
	changeErr error
}

// application is one call of Apply: when, since the start, and the first
// of nonMasqueradeCIDRs, which tells configurations apart well enough.
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
	r.looks++
	return r.change, r.changeErr
}

func (r *recorder) Traffic() (netfilter.Traffic, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.report.Traffic, nil
}

// take returns what was applied since it was last called.
func (r *recorder) take() []application {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.applied
	r.applied = nil
	return out
}

func (r *recorder) set(change func(*recorder)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r)
}

// watcher is an Observer that writes down what it is told.
type watcher struct {
	mu        sync.Mutex
	turns     int
	decisions []bool
	configs   []ConfigStatus
	started   map[netfilter.Family]int
	passes    map[netfilter.Family][]Sync
}

// seen returns what the watcher was told so far.
func (w *watcher) seen(f netfilter.Family) ([]ConfigStatus, []Sync) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.configs), slices.Clone(w.passes[f])
}

func (w *watcher) turned() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.turns
}

func (w *watcher) Polled() { w.mu.Lock(); defer w.mu.Unlock(); w.turns++ }
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
func (w *watcher) SyncEnded(f netfilter.Family, p Sync) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passes[f] = append(w.passes[f], p)
}

// node is an agent at work in virtual time, with a file and two tables.
type node struct {
	t        *testing.T
	file     string
	v4, v6   *recorder
	optional map[netfilter.Family]Optional
	observer *watcher
	logger   klog.Logger
	stop     context.CancelFunc
	stopped  chan struct{}
}

// virtualTicker ticks in virtual time.
type virtualTicker struct {
	ctx  context.Context
	tick *time.Ticker
}

func (v virtualTicker) Wait() bool {
	select {
	case <-v.ctx.Done():
		v.tick.Stop()
		return false
	case <-v.tick.C:
		return true
	}
}

// start runs an agent on a file with this content; "missing" is no file.
func start(t *testing.T, content string, prepare ...func(n *node)) *node {
	t.Helper()
	logger := ktesting.NewLogger(ktesting.NopTL{}, ktesting.NewConfig(ktesting.BufferLogs(true)))
	ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), logger))
	n := &node{
		t: t, file: filepath.Join(t.TempDir(), "ip-masq-agent"),
		v4: &recorder{start: time.Now()}, v6: &recorder{start: time.Now()},
		observer: &watcher{started: map[netfilter.Family]int{}, passes: map[netfilter.Family][]Sync{}},
		logger:   logger,
		stop:     cancel, stopped: make(chan struct{}),
	}
	n.write(content)
	for _, p := range prepare {
		p(n)
	}
	a := Agent{
		ConfigFile: n.file,
		Config:     config.Options{IPv6: true},
		Tables:     map[netfilter.Family]Table{netfilter.IPv4: n.v4, netfilter.IPv6: n.v6},
		Optional:   n.optional,
		Observer:   n.observer,
		Ticker:     virtualTicker{ctx, time.NewTicker(PollInterval)},
	}
	go func() { a.Run(ctx); close(n.stopped) }()
	t.Cleanup(func() { n.stop(); <-n.stopped })
	synctest.Wait()
	return n
}

// logged is the number of lines of the log so far that have text in them.
func (n *node) logged(text string) int {
	return strings.Count(n.logger.GetSink().(ktesting.Underlier).GetBuffer().String(), text)
}

const missing = "missing"

func (n *node) write(content string) {
	n.t.Helper()
	if content == missing {
		if err := os.Remove(n.file); err != nil && !errors.Is(err, os.ErrNotExist) {
			n.t.Fatal(err)
		}
		return
	}
	// A new file, as the kubelet makes one.
	if err := os.WriteFile(n.file+".new", []byte(content), 0o600); err != nil {
		n.t.Fatal(err)
	}
	if err := os.Rename(n.file+".new", n.file); err != nil {
		n.t.Fatal(err)
	}
}

// wait lets virtual time pass, and all that is due then happen.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
