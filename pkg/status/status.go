// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package status answers: is the agent well, is this node as it should be, and
// what has the agent done?
//
// A Status is what the agent tells (it is an agent.Observer), and what
// /healthz, /readyz and /metrics say of that. The agent knows nothing of HTTP,
// and nothing here changes what the agent does.
package status

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"ip-masq-agent/pkg/agent"
	"ip-masq-agent/pkg/netfilter"
)

// stuckAfter is how long the loop, or one pass, may take before the agent calls
// itself unhealthy. Every child of a pass is ended long before.
const stuckAfter = 60 * time.Second

// Status is what the agent last told. Make it with New.
type Status struct {
	families []netfilter.Family // that are enabled, or about which it is not decided yet
	metrics  *metrics

	mu       sync.Mutex
	turned   time.Time
	starting error // why no backend was chosen yet
	config   agent.ConfigStatus
	readings int // of the file, those that told anything new
	backends map[netfilter.Family]string
	tables   map[netfilter.Family]*table
}

// table is what was told of one family.
type table struct {
	began    time.Time  // when the pass that is running did; zero if none is
	reading  int        // of the file, the newest when that pass began
	last     agent.Sync // that ended
	ended    bool       // at least one did
	pending  bool       // it is not decided yet whether the family is enabled
	lastFor  int        // the reading that the last pass was for
	verified time.Time  // when a pass last ended well; zero if none ever did
}

// New returns the status of an agent that has not started yet. About the optional
// families the agent decides later.
func New(version string, families []netfilter.Family, optional ...netfilter.Family) *Status {
	s := &Status{families: families, turned: time.Now(), tables: map[netfilter.Family]*table{}, backends: map[netfilter.Family]string{}}
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

// Decided takes whether an optional family is enabled. One that is not has no
// metrics and does not matter for /readyz.
func (s *Status) Decided(f netfilter.Family, enabled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables[f].pending = false
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

// Polled, ConfigRead, SyncStarted and SyncEnded make a Status an agent.Observer.
func (s *Status) Polled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turned = time.Now()
}

// SetBackend sets where a family's rules are, as --backend names it.
func (s *Status) SetBackend(f netfilter.Family, backend string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.backends[f] = backend
}

// ConfigRead takes what a new reading of the file came to.
func (s *Status) ConfigRead(c agent.ConfigStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config = c
	s.readings++
}

// SyncStarted takes when a pass began.
func (s *Status) SyncStarted(f netfilter.Family) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[f]
	t.began, t.reading = time.Now(), s.readings
}

// SyncEnded takes what a pass came to.
func (s *Status) SyncEnded(f netfilter.Family, p agent.Sync) {
	s.metrics.passEnded(f, p)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[f]
	if p.Verified() {
		t.verified = time.Now()
	} else { // it found out nothing new
		p.Rules, p.Traffic = t.last.Rules, t.last.Traffic
	}
	t.began, t.last, t.lastFor, t.ended = time.Time{}, p, t.reading, true
}

// Healthy returns what is wrong with the agent itself, nil if its loop turns.
// A restart is the remedy for what it returns, and for nothing else.
func (s *Status) Healthy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := time.Since(s.turned); d > stuckAfter {
		return fmt.Errorf("the file was last read %v ago", d.Round(time.Second))
	}
	for _, f := range s.families {
		if began := s.tables[f].began; !began.IsZero() && time.Since(began) > stuckAfter {
			return fmt.Errorf("%s: a pass has been running for %v", f, time.Since(began).Round(time.Second))
		}
	}
	return nil
}

// Ready returns, in one line, why this node is not as the file says; nil if the
// file is good and each enabled family was verified in the kernel since it was
// read.
func (s *Status) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var reasons []string
	switch {
	case s.readings == 0 && s.starting != nil:
		reasons = append(reasons, s.starting.Error())
	case s.readings == 0:
		reasons = append(reasons, "the configuration was not read yet")
	case s.config.Err != nil:
		reasons = append(reasons, "configuration refused: "+s.config.Err.Error())
	}
	for _, f := range s.families {
		if why := s.tables[f].unverified(s.readings); why != "" {
			reasons = append(reasons, f.String()+": "+why)
		}
	}
	if reasons == nil {
		return nil
	}
	return oneLine(strings.Join(reasons, "; "))
}

// unverified returns why the kernel is not known to hold what the newest
// reading asks for; empty if it is.
func (t *table) unverified(newest int) string {
	switch {
	case t.pending:
		return "not decided yet whether it is enabled"
	case !t.ended:
		return "not verified yet"
	case t.last.Err != nil:
		return t.last.Err.Error()
	case t.last.Damped: // the repair may be undone already, and the next one waits
		return "something else keeps undoing the repairs of the rules, so they wait longer and longer: the log says more"
	case t.last.Source == agent.FromKernel:
		return "the chain found in the kernel was left alone"
	case t.lastFor != newest:
		return "not verified since the file changed"
	}
	return ""
}

// oneLine is an error whose text has no line breaks, as kubectl describe shows.
type oneLine string

func (e oneLine) Error() string {
	return strings.Join(strings.FieldsFunc(string(e), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
