// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"context"
	"fmt"

	"k8s.io/klog/v2"
)

// Optional says when a family is enabled that is not enabled from the start.
type Optional struct {
	// Needed reports whether the node needs the family, and why or why not. It is
	// asked each resyncInterval, also when the family is enabled, and is cheap.
	Needed func() (bool, string)
	// Possible returns why the backend cannot hold rules of the family; nil if it
	// can.
	Possible func(context.Context) error
}

// option decides when an optional family is enabled. Once it is, it stays so:
// rules that are in the kernel are never removed and follow the file, whatever
// becomes of the need for them.
type option struct {
	Optional
	enabled bool
	asked   bool   // at least once
	said    string // the reason that was last logged
}

// enable decides whether the family is enabled. It returns true if it should be
// asked again soon, because what prevents it may be over.
func (o *option) enable(ctx context.Context, log klog.Logger, t Table) (soon bool) {
	needed, why := o.Needed()
	switch {
	case o.enabled && !needed:
		o.say(log, "The family is not needed any more; its rules stay in force and follow the file", why)
	case o.enabled:
		o.say(log, "The family is needed again", why)
	case needed:
		if err := o.prevented(ctx, t); err != nil {
			o.say(log, "Leaving the family off, though it is needed: the backend cannot hold its rules; will retry", fmt.Sprintf("%s; %v", why, err))
			soon = true
			break
		}
		o.enabled = true
		o.say(log, "Enabled the family", why)
	case !o.asked && o.holdsRules(ctx, t):
		o.enabled = true
		o.say(log, "Enabled the family, because the kernel holds rules of this agent for it", why)
	default:
		o.say(log, "Leaving the family off, checking again each resyncInterval", why)
	}
	o.asked = true
	return soon
}

// prevented returns why the family cannot be enabled.
func (o *option) prevented(ctx context.Context, t Table) error {
	if err := o.Possible(ctx); err != nil {
		return err
	}
	_, err := t.HasRules(ctx)
	return err
}

// holdsRules reports whether an agent that ran before has left rules. If that
// cannot be told, the family is off.
func (o *option) holdsRules(ctx context.Context, t Table) bool {
	found, err := t.HasRules(ctx)
	return err == nil && found
}

// say logs a reason when it is new.
func (o *option) say(log klog.Logger, message, why string) {
	if why != o.said {
		log.Info(message, "reason", why)
		o.said = why
	}
}

// enabled reports whether the syncer manages its family.
func (s *syncer) enabled() bool { return s.option == nil || s.option.enabled }

// decide decides whether an optional family is enabled, and returns that.
func (s *syncer) decide(ctx context.Context, d desired) bool {
	before := s.option.enabled
	soon := s.option.enable(ctx, klog.LoggerWithValues(klog.FromContext(ctx), "family", s.family), s.table)
	switch {
	case ctx.Err() != nil:
		return false // the agent stops, and killed the process that was asked
	case s.option.enabled && !before:
		s.schedule = schedule{}
	case s.option.enabled:
	case soon:
		s.schedule.failed(d.config.ResyncInterval)
	default:
		s.schedule.succeeded(d.config.ResyncInterval, 0)
	}
	s.observer.Decided(s.family, s.option.enabled)
	return s.option.enabled
}
