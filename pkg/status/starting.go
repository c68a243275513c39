// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status

import (
	"errors"
	"time"
)

var errChoosing = errors.New("the backend is not chosen yet")

// Starting records that the agent is choosing its backend, with the error of the
// last attempt, or nil for the first. The agent is healthy meanwhile, because a
// restart would not help, but it is not ready.
func (s *Status) Starting(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polled = time.Now()
	switch {
	case err != nil:
		s.starting = err
	case s.starting == nil:
		s.starting = errChoosing
	}
}
