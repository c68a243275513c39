// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"context"
	"time"

	"k8s.io/klog/v2"
)

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
	// After an invalid file that changed nothing, the line would read like success.
	if !s.verified && (d.status.Err == nil || report.WroteChain || report.WroteJump) {
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
