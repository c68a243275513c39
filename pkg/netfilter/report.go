// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import "time"

// Report is the result of applying the desired rules of one family.
type Report struct {
	// WroteChain means that the rules differed from the desired ones and were
	// written. WroteJump means the same for what sends traffic to them: the
	// jump from POSTROUTING, or the base chain of the nftables table.
	WroteChain, WroteJump bool
	Rules                 int           // in the kernel now
	Traffic               Traffic       // since the start, plus what the rules found at the start had counted
	Cost                  time.Duration // CPU time of the thread and of the commands that it ran, see getrusage(2)
}

// Change is what a cheap check, without a process and without reading rules,
// can say about the time since the rules were last verified.
type Change uint8

// The results of a check.
const (
	ChangeUnknown Change = iota // there is no earlier state to compare with
	Changed                     // something was committed, possibly by another program and elsewhere
	// PerhapsUnchanged means that no change was seen, which is no proof: in
	// iptables-legacy another rule of the same size may have replaced a rule.
	PerhapsUnchanged
	Unchanged // nothing was committed
)
