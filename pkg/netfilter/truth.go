// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

// Truth is whether a condition holds for a packet: No, Yes, or Maybe if that is
// not known.
type Truth uint8

// The values of Truth, ordered so that min is "and", max is "or".
const (
	No Truth = iota
	Maybe
	Yes
)

// Not returns the opposite; Maybe stays.
func (t Truth) Not() Truth { return Yes - t }
