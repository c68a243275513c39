// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import "time"

const (
	// costFactor limits the CPU time for syncs that changes in the kernel trigger.
	// Each such sync delays the next one by 50 times its CPU time, which limits
	// them to 2 % of one CPU in the long run.
	costFactor = 50
	// costCredit is the maximum credit that builds up while nothing changes, so
	// that a change on a quiet node, or soon after the start, is handled at once
	// even if the table is large. Syncs of resyncInterval count, but are never
	// delayed.
	costCredit = time.Minute
)

// schedule decides when the next sync of a family is due.
type schedule struct {
	next     time.Time // when a sync is due regardless of changes
	paid     time.Time // the earliest time at which a change may trigger a sync
	failures int       // in a row
	damping  damping
}

// now makes a sync due at once.
func (s *schedule) now() { s.next = time.Time{} }

func (s *schedule) due() bool { return !time.Now().Before(s.next) }

// affordable reports whether a change in the kernel may trigger a sync now. After a
// failure only next counts.
func (s *schedule) affordable() bool {
	return s.failures == 0 && !time.Now().Before(s.paid) && !s.damping.waiting()
}

// sleep returns the time until a sync is due.
func (s *schedule) sleep() time.Duration { return time.Until(s.next) }

func (s *schedule) succeeded(interval, cost time.Duration) {
	now := time.Now()
	s.failures = 0
	s.next = now.Add(interval)
	if earliest := now.Add(-costCredit); s.paid.Before(earliest) {
		s.paid = earliest
	}
	s.paid = s.paid.Add(costFactor * cost)
}

// failed schedules a retry after 1 s, then 2 s, and so on up to 64 s, but not later
// than the interval. A write that fails on a large legacy table costs half a
// second of CPU time.
func (s *schedule) failed(interval time.Duration) {
	s.failures++
	wait := time.Second << min(s.failures-1, 6)
	s.next = time.Now().Add(min(wait, interval))
}
