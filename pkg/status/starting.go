// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status

import "time"

// Starting tells that the agent is choosing its backend, and why that does not
// succeed, if it does not. A restart would not help, so the agent counts as
// healthy meanwhile, but not as ready.
func (s *Status) Starting(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turned = time.Now()
	if err != nil {
		s.starting = err
	}
}
