// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import "time"

const (
	// costFactor bounds what verifying costs where other writers commit all
	// the time: a pass for a mere sign of change is paid for with 50 times its
	// CPU time, which makes it 2 % of one CPU in the long run.
	costFactor = 50
	// costCredit is the time that may be saved up for that, while nobody
	// commits: what happens on a quiet node, or soon after the start, is
	// followed at once however large the table. Passes that resyncInterval asks
	// for are paid for, and never held back.
	costCredit = time.Minute
)

// schedule is when a keeper's next pass is due.
type schedule struct {
	next     time.Time // a pass is due, come what may
	paid     time.Time // up to when the passes so far are paid for
	failures int       // in a row
	damping  damping
}

// now makes a pass due at once.
func (s *schedule) now() { s.next = time.Time{} }

func (s *schedule) due() bool { return !time.Now().Before(s.next) }

// affordable tells whether a change in the kernel may be followed up. After a
// failure only next counts.
func (s *schedule) affordable() bool {
	return s.failures == 0 && !time.Now().Before(s.paid) && !s.damping.waiting()
}

// sleep is how long until a pass is due.
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

// failed tries again after 1 s, then twice that, and so on to 64 s, but not
// later than the interval. A write that fails on a large legacy table costs
// half a second of CPU.
func (s *schedule) failed(interval time.Duration) {
	s.failures++
	wait := time.Second << min(s.failures-1, 6)
	s.next = time.Now().Add(min(wait, interval))
}
