// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"ip-masq-agent/pkg/agent"
	"ip-masq-agent/pkg/printable"
)

// stuckAfter is the time that the loop, or one sync, may take before the agent
// reports itself as unhealthy. Every process of a sync is killed long before.
const stuckAfter = 60 * time.Second

// Healthy returns what is wrong with the agent itself, and nil if its loop runs. It
// returns only what a restart can fix.
func (s *Status) Healthy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := time.Since(s.polled); d > stuckAfter {
		return fmt.Errorf("the file was last read %v ago", d.Round(time.Second))
	}
	for _, f := range s.families {
		if began := s.tables[f].began; !began.IsZero() && time.Since(began) > stuckAfter {
			return fmt.Errorf("%s: a sync has been running for %v", f, time.Since(began).Round(time.Second))
		}
	}
	return nil
}

// Ready returns, in one line, why the rules of this node are not as the file says.
// It returns nil if the file is valid and the rules of each enabled family were
// verified in the kernel since the file was read.
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
		reasons = append(reasons, "invalid configuration: "+s.config.Err.Error())
	}
	for _, f := range s.families {
		if why := s.tables[f].unverified(s.readings); why != "" {
			reasons = append(reasons, f.String()+": "+why)
		}
	}
	if reasons == nil {
		return nil
	}
	return errors.New(oneLine(strings.Join(reasons, "; ")))
}

// unverified returns why the kernel is not known to hold the rules of the newest
// reading, and "" if it is.
func (t *table) unverified(newest int) string {
	switch {
	case t.pending:
		return "not decided yet whether it is enabled"
	case !t.ended:
		return "not verified yet"
	case t.last.Err != nil:
		return t.last.Err.Error()
	case t.last.Damped: // the repair may be undone already, and the next one waits
		return "another program keeps undoing the repairs of the rules, so they are delayed: see the log"
	case t.last.Source == agent.FromKernel:
		return "the rules found in the kernel were left unchanged"
	case t.lastFor != newest:
		return "not verified since the file changed"
	}
	return ""
}

// oneLine returns a text without line breaks and other control characters, for
// kubectl describe. The text may contain names of files and output of commands.
func oneLine(text string) string {
	return printable.Line(strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; "))
}
