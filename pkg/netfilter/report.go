// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import "time"

// Report says what it took to make the kernel hold the wanted rules of one
// family.
type Report struct {
	// WroteChain means that the rules themselves were not as wanted, WroteJump
	// that what sends traffic to them was not: the jump from POSTROUTING, or the
	// base chain of a table of our own.
	WroteChain, WroteJump bool
	Rules                 int           // in force
	Traffic               Traffic       // counted since the start, and before that by the rules found
	Cost                  time.Duration // CPU time of the commands it ran, see getrusage(2), RUSAGE_CHILDREN
}

// Change is what can be told, without a process and without reading rules,
// about what happened since the rules were last verified.
type Change uint8

// The changes.
const (
	ChangeUnknown Change = iota // there is nothing to compare with
	Changed                     // something was committed, perhaps not to our rules
	// PerhapsUnchanged means that nothing seems to have changed. This is no
	// proof: in iptables-legacy a rule may have been replaced by another of the
	// same size.
	PerhapsUnchanged
	Unchanged // nothing was committed
)
