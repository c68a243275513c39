// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/netfilter"
)

// node is an agent that runs in virtual time, with a file and two tables.
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
		observer: &watcher{started: map[netfilter.Family]int{}, syncs: map[netfilter.Family][]Sync{}},
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

// logged returns the number of lines of the log so far that contain text.
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
	// A new file, as the kubelet writes it.
	if err := os.WriteFile(n.file+".new", []byte(content), 0o600); err != nil {
		n.t.Fatal(err)
	}
	if err := os.Rename(n.file+".new", n.file); err != nil {
		n.t.Fatal(err)
	}
}

// wait advances the virtual time, and waits until everything that is due is done.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
