// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package status serves /healthz, /readyz and /metrics.
//
// A [Status] receives the events of the agent, as an agent.Observer, and answers
// the HTTP requests from them. It does not influence the agent, and the agent does
// not know HTTP.
package status

import (
	"slices"
	"sync"
	"time"

	"ip-masq-agent/pkg/agent"
	"ip-masq-agent/pkg/netfilter"
)

// Status is the present state of the agent. Create it with New.
type Status struct {
	families []netfilter.Family // those enabled, or not decided yet
	metrics  *metrics

	mu       sync.Mutex
	polled   time.Time // when the loop last checked for changes
	starting error     // why no backend was chosen yet
	config   agent.ConfigStatus
	readings int // number of readings of the file with new content
	backends map[netfilter.Family]place
	tables   map[netfilter.Family]*table
}

// place is where the rules of a family are.
type place struct{ backend, chain string }

// table is the state of one family.
type table struct {
	began    time.Time  // when the running sync began; zero if none is running
	reading  int        // the newest reading of the file when that sync began
	last     agent.Sync // the last sync that ended
	ended    bool       // at least one sync ended
	pending  bool       // it is not decided yet whether the family is enabled
	lastFor  int        // the reading that the last sync was for
	verified time.Time  // when a sync last succeeded; zero if none did
}

// New returns the status of an agent that has not started yet. The agent decides
// later whether the optional families are enabled.
func New(version string, families []netfilter.Family, optional ...netfilter.Family) *Status {
	s := &Status{families: families, polled: time.Now(), tables: map[netfilter.Family]*table{}, backends: map[netfilter.Family]place{}}
	s.metrics = newMetrics(s, version)
	for _, f := range families {
		s.tables[f] = &table{}
	}
	for _, f := range optional {
		s.families = append(slices.Clone(s.families), f)
		s.tables[f] = &table{pending: true}
	}
	return s
}

// Decided records whether an optional family is enabled. A family that is not has
// no metrics, and /readyz ignores it.
func (s *Status) Decided(f netfilter.Family, enabled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[f]
	t.pending = false
	if !enabled {
		t.began = time.Time{} // the sync that may have decided it ended
	}
	has := slices.Contains(s.families, f)
	switch {
	case enabled:
		s.metrics.enable(f)
		if !has {
			s.families = append(slices.Clone(s.families), f)
		}
	case has:
		s.families = slices.DeleteFunc(slices.Clone(s.families), func(o netfilter.Family) bool { return o == f })
	}
}

// Polled records that the loop checked for changes.
func (s *Status) Polled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polled = time.Now()
}

// SetBackend records the backend of a family, as --backend names it, and the chain
// of --masq-chain.
func (s *Status) SetBackend(f netfilter.Family, backend, chain string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.backends[f] = place{backend, chain}
}

// ConfigRead records the result of reading the file.
func (s *Status) ConfigRead(c agent.ConfigStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config = c
	s.readings++
}

// SyncStarted records that a sync began.
func (s *Status) SyncStarted(f netfilter.Family) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[f]
	t.began, t.reading = time.Now(), s.readings
}

// SyncEnded records the result of a sync.
func (s *Status) SyncEnded(f netfilter.Family, r agent.Sync) {
	s.metrics.syncEnded(f, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[f]
	if r.Verified() {
		t.verified = time.Now()
	} else { // rules and counters were not read
		r.Rules, r.Traffic = t.last.Rules, t.last.Traffic
	}
	t.began, t.last, t.lastFor, t.ended = time.Time{}, r, t.reading, true
}
