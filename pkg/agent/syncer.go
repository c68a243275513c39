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

// sync makes the kernel hold the desired rules, and reports the result.
func (s *syncer) sync(ctx context.Context, d desired) {
	s.observer.SyncStarted(s.family)
	began := time.Now()
	r, cost := s.apply(ctx, d)
	r.Duration = time.Since(began)
	if ctx.Err() != nil {
		return // the agent stops; a process that it killed is no failure
	}
	if !s.tried(ctx, r.Err) {
		s.schedule.failed(d.config.ResyncInterval)
		return
	}
	switch {
	case r.Err != nil:
		s.schedule.failed(d.config.ResyncInterval)
	case r.Source == FromKernel:
		s.schedule.succeeded(min(d.config.ResyncInterval, unmanagedInterval), cost)
	default:
		s.schedule.succeeded(d.config.ResyncInterval, cost)
	}
	r.Damped = s.damp(klog.FromContext(ctx), r, d.config.ResyncInterval)
	s.log(klog.FromContext(ctx), r)
	s.observer.SyncEnded(s.family, r)
	s.last = r
}

// damp records the repairs of a sync, and returns whether the next repair has to
// wait, because there were too many.
func (s *syncer) damp(log klog.Logger, r Sync, interval time.Duration) bool {
	var kinds []repair
	if r.RepairedChain {
		kinds = append(kinds, repairChain)
	}
	if r.RepairedJump {
		kinds = append(kinds, repairJump)
	}
	before := s.schedule.damping.pause
	damped := s.schedule.damping.repaired(interval, kinds...)
	if damped && before == 0 {
		log.Info("Warning: something else keeps changing the rules, so repairs slow down until it stops; look for a second agent or a script that writes the same chain",
			"family", s.family, "repairs", fightRepairs, "within", fightWindow)
	}
	return damped
}

// apply applies the desired rules. It returns the result and its cost in CPU time.
func (s *syncer) apply(ctx context.Context, d desired) (Sync, time.Duration) {
	if d.fallback && !s.applied {
		found, err := s.table.HasRules(ctx)
		if found && !s.leftUnchanged {
			klog.FromContext(ctx).Info("No valid configuration yet, leaving the rules found in the kernel as they are", "family", s.family)
		}
		s.leftUnchanged = found
		if found {
			var connected bool
			if connected, err = s.table.Reconnect(ctx); connected && err == nil {
				klog.FromContext(ctx).Info("Restored the jump to the rules found in the kernel, which was missing", "family", s.family)
			}
		}
		if found || err != nil {
			return Sync{Source: FromKernel, Err: err}, 0
		}
	}
	report, err := s.table.Apply(ctx, d.config)
	if err != nil {
		return Sync{Source: d.status.Source, Err: err}, 0
	}
	r := Sync{
		Source:        d.status.Source,
		Rules:         report.Rules,
		Traffic:       report.Traffic,
		RepairedChain: s.verified && report.WroteChain,
		RepairedJump:  s.verified && report.WroteJump,
	}
	if !s.verified {
		klog.FromContext(ctx).Info("Synced rules", "family", s.family, "rules", report.Rules,
			"wroteChain", report.WroteChain, "wroteJump", report.WroteJump)
	}
	s.verified, s.applied = true, true
	return r, report.Cost
}

// log logs each repair, and each failure when it begins, changes or ends.
func (s *syncer) log(log klog.Logger, r Sync) {
	if r.RepairedChain {
		log.Info("Repaired the rules, which something else had changed", "family", s.family)
	}
	if r.RepairedJump {
		log.Info("Repaired the jump to the rules, which something else had changed", "family", s.family)
	}
	switch {
	case r.Err == nil && s.failure != "":
		log.Info("Sync recovered", "family", s.family)
		s.failure = ""
	case r.Err != nil && r.Err.Error() != s.failure:
		log.Error(r.Err, "Failed to sync rules, will retry", "family", s.family)
		s.failure = r.Err.Error()
	}
}
