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

// keeper keeps one family's table as wanted.
type keeper struct {
	family   netfilter.Family
	table    Table
	observer Observer
	option   *option       // nil if the family is enabled from the start
	wants    chan want     // the newest, until it is taken
	changes  chan struct{} // has an element if a look found a change

	mu        sync.Mutex // for the table and what follows; held during a pass
	schedule  schedule
	verified  bool   // the last pass left the kernel as the same want asks
	ours      bool   // this keeper has applied a chain
	leftAlone bool   // the last pass left a chain alone for want of a good file
	last      Pass   // the last that ended
	failure   string // the last one logged
	blindness string // why a look failed, the last one logged
}

func newKeeper(f netfilter.Family, t Table, o Observer) *keeper {
	return &keeper{family: f, table: t, observer: o, wants: make(chan want, 1), changes: make(chan struct{}, 1)}
}

// want gives the keeper something new to keep. It never blocks, so long as one
// goroutine alone calls it.
func (k *keeper) want(w want) {
	select {
	case <-k.wants: // not taken yet, and stale now
	default:
	}
	k.wants <- w
}

// lookForChange wakes run if the kernel shows a change that can be followed up
// now. It does not block: if a pass is being made, the next call looks.
//
// One goroutine looks for all keepers, because to wake another one each second
// costs more than to look.
func (k *keeper) lookForChange(log klog.Logger) {
	if !k.mu.TryLock() {
		return
	}
	defer k.mu.Unlock()
	if !k.enabled() {
		return
	}
	if k.schedule.damping.calm() {
		log.Info("Repairs are prompt again, as nothing changed the rules for a while", "family", k.family)
	}
	if k.look(log) != netfilter.Changed || !k.schedule.affordable() {
		return
	}
	select {
	case k.changes <- struct{}{}:
	default:
	}
}

// run keeps what is wanted, from the first want on, until ctx is done.
func (k *keeper) run(ctx context.Context) {
	var w want
	wanted, isNew := false, false
	wake := time.NewTimer(0)
	defer wake.Stop()
	<-wake.C
	for {
		select {
		case <-ctx.Done():
		case w = <-k.wants:
			wanted, isNew = true, true
		case <-k.changes:
		case <-wake.C:
		}
		if ctx.Err() != nil { // select chooses at random between what is ready
			return
		}
		if wanted {
			wake.Reset(k.turn(ctx, w, isNew))
			isNew = false
		}
	}
}

// turn makes a pass if one is due, and returns how long until the next one is. On
// nft it need not: if nothing was committed, the rules are what they were.
func (k *keeper) turn(ctx context.Context, w want, isNew bool) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if isNew {
		k.verified = false
		k.schedule.now()
	}
	if k.option != nil && k.schedule.due() && !k.enable(ctx, w) {
		return k.schedule.sleep()
	}
	if !k.enabled() {
		return k.schedule.sleep()
	}
	sign := k.look(klog.FromContext(ctx))
	switch {
	case sign == netfilter.Unchanged && k.verified && k.schedule.due():
		k.observer.PassEnded(k.family, k.confirmed(klog.FromContext(ctx)))
		k.schedule.succeeded(w.config.ResyncInterval, 0)
	case k.schedule.due(), sign == netfilter.Changed && k.schedule.affordable():
		k.pass(ctx, w)
	}
	return k.schedule.sleep()
}

func (k *keeper) enabled() bool { return k.option == nil || k.option.enabled }

// enable looks after an optional family, and tells whether it is enabled.
func (k *keeper) enable(ctx context.Context, w want) bool {
	before := k.option.enabled
	soon := k.option.enable(ctx, klog.LoggerWithValues(klog.FromContext(ctx), "family", k.family), k.table)
	switch {
	case ctx.Err() != nil:
		return false // stopping; a child that was cut off decides nothing
	case k.option.enabled && !before:
		k.schedule = schedule{}
	case k.option.enabled:
	case soon:
		k.schedule.failed(w.config.ResyncInterval)
	default:
		k.schedule.succeeded(w.config.ResyncInterval, 0)
	}
	k.observer.Decided(k.family, k.option.enabled)
	return k.option.enabled
}

// look asks the kernel for its sign of change.
func (k *keeper) look(log klog.Logger) netfilter.Change {
	sign, err := k.table.Look()
	k.sayOnce(log, err)
	return sign
}

// confirmed is what the last pass came to, seen again without a read.
func (k *keeper) confirmed(log klog.Logger) Pass {
	p := k.last
	p.RepairedChain, p.RepairedJump, p.Damped, p.Took = false, false, false, 0
	var err error
	p.Traffic, err = k.table.Traffic()
	k.sayOnce(log, err)
	return p
}

// sayOnce logs why the kernel cannot be asked without a process.
func (k *keeper) sayOnce(log klog.Logger, err error) {
	if err != nil && err.Error() != k.blindness {
		log.Error(err, "Change detection is unavailable, verifying the rules every resyncInterval", "family", k.family)
		k.blindness = err.Error()
	}
}

// pass makes the table as wanted.
func (k *keeper) pass(ctx context.Context, w want) {
	k.observer.PassStarted(k.family)
	began := time.Now()
	p, cost := k.sync(ctx, w)
	p.Took = time.Since(began)
	if ctx.Err() != nil {
		return // stopping; a child that was cut off is no failure
	}
	if p.Err == nil {
		k.schedule.succeeded(w.config.ResyncInterval, cost)
	} else {
		k.schedule.failed(w.config.ResyncInterval)
	}
	p.Damped = k.damp(klog.FromContext(ctx), p, w.config.ResyncInterval)
	k.log(klog.FromContext(ctx), p)
	k.observer.PassEnded(k.family, p)
	k.last = p
}

// damp slows down the repairs if p is one of many, and tells whether they are.
func (k *keeper) damp(log klog.Logger, p Pass, interval time.Duration) bool {
	var kinds []repair
	if p.RepairedChain {
		kinds = append(kinds, repairChain)
	}
	if p.RepairedJump {
		kinds = append(kinds, repairJump)
	}
	before := k.schedule.damping.pause
	damped := k.schedule.damping.repaired(interval, kinds...)
	if damped && before == 0 {
		log.Info("Warning: something else keeps changing the rules, so repairs slow down until it stops; look for a second agent or a script that writes the same chain",
			"family", k.family, "repairs", fightRepairs, "within", fightWindow)
	}
	return damped
}

// sync returns what a pass came to, and the CPU time it cost.
func (k *keeper) sync(ctx context.Context, w want) (Pass, time.Duration) {
	if w.stopgap && !k.ours {
		found, err := k.table.HasRules(ctx)
		if found && !k.leftAlone {
			klog.FromContext(ctx).Info("No valid configuration yet, leaving the rules found in the kernel as they are", "family", k.family)
		}
		k.leftAlone = found
		if found || err != nil {
			return Pass{Source: FromKernel, Err: err}, 0
		}
	}
	report, err := k.table.Apply(ctx, w.config)
	if err != nil {
		return Pass{Source: w.status.Source, Err: err}, 0
	}
	p := Pass{
		Source:        w.status.Source,
		Rules:         report.Rules,
		Traffic:       report.Traffic,
		RepairedChain: k.verified && report.WroteChain,
		RepairedJump:  k.verified && report.WroteJump,
	}
	if !k.verified {
		klog.FromContext(ctx).Info("Synced rules", "family", k.family, "rules", report.Rules,
			"wroteChain", report.WroteChain, "wroteJump", report.WroteJump)
	}
	k.verified, k.ours = true, true
	return p, report.Cost
}

// log tells of repairs each time, and of failures when they come, change or go.
func (k *keeper) log(log klog.Logger, p Pass) {
	if p.RepairedChain {
		log.Info("Repaired the rules, which something else had changed", "family", k.family)
	}
	if p.RepairedJump {
		log.Info("Repaired the jump to the rules, which something else had changed", "family", k.family)
	}
	switch {
	case p.Err == nil && k.failure != "":
		log.Info("Sync recovered", "family", k.family)
		k.failure = ""
	case p.Err != nil && p.Err.Error() != k.failure:
		log.Error(p.Err, "Failed to sync rules, will retry", "family", k.family)
		k.failure = p.Err.Error()
	}
}
