// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/klog/v2"
)

// Optional says when a family is enabled that is not enabled from the start.
type Optional struct {
	// Needed reports whether the node needs the family, and why or why not. It is
	// asked each resyncInterval, also when the family is enabled, and is cheap.
	Needed func() (bool, string)
	// NeededNow reports what Needed reports first. It is called each second while
	// the family is off. It must not block, because one goroutine calls it for all
	// families, and must not allocate.
	NeededNow func() bool
	// Possible returns why the backend cannot hold rules of the family; nil if it
	// can.
	Possible func(context.Context) error
}

// option decides when an optional family is enabled. Once its rules are in the
// kernel it stays enabled: they are never removed and follow the file, even if the
// node does not need them any more. Until then it is decided again before each sync.
type option struct {
	Optional
	enabled      bool
	hasRules     bool   // the kernel holds rules of the family, so it stays enabled
	rulesChecked bool   // the kernel was asked for rules of an agent that ran before
	needed       bool   // the last result of Needed
	why          string // and its reason
	logged       string // the last reason that was logged
}

// enable decides whether the family is enabled. It returns true if it should be
// called again soon, because the reason against it may be temporary.
func (o *option) enable(ctx context.Context, log klog.Logger, t Table) (soon bool) {
	if o.enabled && !o.hasRules { // the first sync failed
		o.enabled, o.rulesChecked = false, false
	}
	o.needed, o.why = o.Needed()
	switch {
	case o.enabled && !o.needed:
		o.log(log, "The family is not needed any more; its rules stay in force and follow the file", o.why)
	case o.enabled:
		o.log(log, "The family is needed again", o.why)
	case o.needed:
		found, err := o.possible(ctx, t)
		if err != nil {
			o.logImpossible(ctx, log, err)
			return true
		}
		o.enabled, o.hasRules = true, found
	default:
		return o.unneeded(ctx, log, t)
	}
	return false
}

// unneeded decides about a family that the node does not need: it is enabled if an
// agent that ran before has left rules. It returns what enable returns.
func (o *option) unneeded(ctx context.Context, log klog.Logger, t Table) (soon bool) {
	found := false
	if !o.rulesChecked {
		var err error
		found, err = t.HasRules(ctx)
		switch {
		case ctx.Err() != nil:
			return true
		case err != nil && !errors.Is(err, errors.ErrUnsupported):
			o.log(log, "Leaving the family off; will check again whether the kernel holds rules of this agent for it", fmt.Sprintf("%s; %v", o.why, err))
			return true
		}
		o.rulesChecked = true
	}
	if !found {
		o.log(log, "Leaving the family off until the node needs it", o.why)
		return false
	}
	o.enabled, o.hasRules = true, true
	o.log(log, "Enabled the family, because the kernel holds rules of this agent for it", o.why)
	return false
}

// possible returns whether the kernel holds rules of the family, or why the family
// cannot be enabled.
func (o *option) possible(ctx context.Context, t Table) (found bool, err error) {
	if err := o.Possible(ctx); err != nil {
		return false, err
	}
	return t.HasRules(ctx)
}

// tried decides by the result of a sync, as long as the kernel holds no rules of the
// family, whether it stays enabled. If the kernel does not support the rules, it
// does not, so that it cannot keep the agent from being ready. Any other failure is
// one of an enabled family.
func (o *option) tried(ctx context.Context, log klog.Logger, err error) bool {
	if errors.Is(err, errors.ErrUnsupported) {
		o.enabled = false
		o.logImpossible(ctx, log, err)
		return false
	}
	o.hasRules = err == nil
	o.log(log, "Enabled the family", o.why)
	return true
}

// logImpossible logs that the family is off although it is needed.
func (o *option) logImpossible(ctx context.Context, log klog.Logger, err error) {
	if ctx.Err() == nil { // otherwise the agent stops, and killed the process that was asked
		o.log(log, "Leaving the family off, though it is needed: the backend cannot hold its rules; will retry", fmt.Sprintf("%s; %v", o.why, err))
	}
}

// log logs a reason when it is new.
func (o *option) log(log klog.Logger, message, why string) {
	if why != o.logged {
		log.Info(message, "reason", why)
		o.logged = why
	}
}

// enabled reports whether the syncer manages its family.
func (s *syncer) enabled() bool { return s.option == nil || s.option.enabled }

// checkNeed wakes run if an optional family that is off is needed since it was last
// decided, or not needed any more.
func (s *syncer) checkNeed() {
	if s.option.NeededNow() != s.option.needed {
		s.schedule.now()
		s.wake()
	}
}

// decide decides whether an optional family is enabled, and returns that. If the
// kernel holds no rules of the family yet, the result of its first sync may disable
// it again.
func (s *syncer) decide(ctx context.Context, d desired) bool {
	before := s.option.enabled
	soon := s.option.enable(ctx, klog.LoggerWithValues(klog.FromContext(ctx), "family", s.family), s.table)
	switch {
	case ctx.Err() != nil:
		return false // the agent stops, and killed the process that was asked
	case s.option.enabled && !before:
		s.schedule.now()
	case s.option.enabled:
	case soon:
		s.schedule.failed(d.config.ResyncInterval)
	default:
		s.schedule.succeeded(d.config.ResyncInterval, 0)
	}
	if !s.option.enabled || s.option.hasRules {
		s.observer.Decided(s.family, s.option.enabled)
	}
	return s.option.enabled
}

// tried returns whether the family is still enabled after a sync.
func (s *syncer) tried(ctx context.Context, err error) bool {
	if s.option == nil || s.option.hasRules {
		return true
	}
	enabled := s.option.tried(ctx, klog.LoggerWithValues(klog.FromContext(ctx), "family", s.family), err)
	s.observer.Decided(s.family, enabled)
	return enabled
}
