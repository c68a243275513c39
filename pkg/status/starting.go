// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status

import (
	"errors"
	"time"
)

var errChoosing = errors.New("the backend is not chosen yet")

// Starting tells that the agent is choosing its backend, and the error of the
// last try, nil if this is the first. A restart would not help, so the agent counts as
// healthy meanwhile, but not as ready.
func (s *Status) Starting(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turned = time.Now()
	switch {
	case err != nil:
		s.starting = err
	case s.starting == nil:
		s.starting = errChoosing
	}
}
