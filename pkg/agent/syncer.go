// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"context"
	"sync"
	"time"

	"k8s.io/klog/v2"

	"ip-masq-agent/pkg/netfilter"
)

// unmanagedInterval is how often the agent checks rules that it left unchanged,
// because no file was valid yet. When they are gone, the defaults apply.
const unmanagedInterval = 2 * time.Second

// syncer syncs the rules of one family: it makes the kernel hold the desired ones.
type syncer struct {
	family   netfilter.Family
	table    Table
	observer Observer
	option   *option       // nil if the family is enabled from the start
	newest   chan desired  // the newest desired state, until run receives it
	changes  chan struct{} // has an element if a check found that run should reconcile

	mu            sync.Mutex // for the table and the fields below; held during a sync
	schedule      schedule
	verified      bool   // the last sync left the kernel with the present desired rules
	applied       bool   // this syncer has written or verified rules
	leftUnchanged bool   // the last sync left rules unchanged, because no valid file was read yet
	last          Sync   // the last that ended
	failure       string // the last one logged
	checkFailure  string // why a check for changes failed, the last one logged
}

func newSyncer(f netfilter.Family, t Table, o Observer) *syncer {
	return &syncer{family: f, table: t, observer: o, newest: make(chan desired, 1), changes: make(chan struct{}, 1)}
}

// set gives the syncer a new desired state. It does not block. Only one goroutine
// may call it.
func (s *syncer) set(d desired) {
	select {
	case <-s.newest: // not received yet, and outdated now
	default:
	}
	s.newest <- d
}

// checkForChange wakes run if the kernel shows a change that may be handled now, or
// if a family that is off may have to be enabled.
// It does not block: during a sync it does nothing, and the next call checks.
//
// One goroutine calls it for all syncers, because waking a goroutine each second
// costs more than the check.
func (s *syncer) checkForChange(log klog.Logger) {
	if !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	if !s.enabled() {
		s.checkNeed()
		return
	}
	if s.schedule.damping.calm() {
		log.Info("Repairs are prompt again, as nothing changed the rules for a while", "family", s.family)
	}
	if s.change(log) != netfilter.Changed || !s.schedule.affordable() {
		return
	}
	s.wake()
}

// wake makes run reconcile. It does not block.
func (s *syncer) wake() {
	select {
	case s.changes <- struct{}{}:
	default:
	}
}

// run reconciles the family from the first desired state on, until ctx is done.
func (s *syncer) run(ctx context.Context) {
	var d desired
	received, isNew := false, false
	wake := time.NewTimer(0)
	defer wake.Stop()
	<-wake.C
	for {
		select {
		case <-ctx.Done():
		case d = <-s.newest:
			received, isNew = true, true
		case <-s.changes:
		case <-wake.C:
		}
		if ctx.Err() != nil { // if several cases are ready, select picks one at random
			return
		}
		if received {
			wake.Reset(s.reconcile(ctx, d, isNew))
			isNew = false
		}
	}
}

// reconcile makes a sync if one is due, and returns the time until the next one is
// due. If the kernel proves that nothing was committed since the last sync, it
// reports the last result again instead.
func (s *syncer) reconcile(ctx context.Context, d desired, isNew bool) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if isNew {
		s.verified = false
		s.schedule.now()
	}
	if s.option != nil && s.schedule.due() && !s.decide(ctx, d) {
		return s.schedule.sleep()
	}
	if !s.enabled() {
		return s.schedule.sleep()
	}
	change := s.change(klog.FromContext(ctx))
	switch {
	case change == netfilter.Unchanged && s.verified && s.schedule.due():
		s.observer.SyncEnded(s.family, s.lastAgain(klog.FromContext(ctx)))
		s.schedule.succeeded(d.config.ResyncInterval, 0)
	case s.schedule.due(), change == netfilter.Changed && s.schedule.affordable():
		s.sync(ctx, d)
	}
	return s.schedule.sleep()
}

// change checks the kernel for changes.
func (s *syncer) change(log klog.Logger) netfilter.Change {
	change, err := s.table.Change()
	s.logCheckFailure(log, err)
	return change
}

// lastAgain returns the result of the last sync with the present counters.
func (s *syncer) lastAgain(log klog.Logger) Sync {
	r := s.last
	r.RepairedChain, r.RepairedJump, r.Damped, r.Duration = false, false, false, 0
	var err error
	r.Traffic, err = s.table.Traffic()
	s.logCheckFailure(log, err)
	return r
}

// logCheckFailure logs why the kernel could not be asked, if that is new.
func (s *syncer) logCheckFailure(log klog.Logger, err error) {
	if err != nil && err.Error() != s.checkFailure {
		log.Error(err, "Change detection is unavailable, verifying the rules every resyncInterval", "family", s.family)
		s.checkFailure = err.Error()
	}
}
