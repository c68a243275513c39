// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"time"

	"ip-masq-agent/pkg/netfilter"
)

// Observer is told what the agent does. Its methods are called from several
// goroutines and must not block.
type Observer interface {
	// Turned is called at each turn of the loop that reads the file.
	Turned()
	// ConfigRead is called when the file's content is new.
	ConfigRead(ConfigStatus)
	// Decided is called each time that the agent has decided whether an optional
	// family is enabled; if it is, before its first pass.
	Decided(f netfilter.Family, enabled bool)
	// PassStarted and PassEnded stand around each pass over a family's table;
	// a pass that was cut off by the agent's stopping has no end.
	PassStarted(netfilter.Family)
	PassEnded(netfilter.Family, Pass)
}

// Source is where the rules in force come from.
type Source string

// The sources.
const (
	FromFile    Source = "file"
	FromDefault Source = "default" // no file, or none that was ever good
	FromKernel  Source = "kernel"  // found there, and left alone for want of a good file
)

// ConfigStatus is what the last reading of the file came to.
type ConfigStatus struct {
	Refused error  // why the file is refused or unreadable; nil if it is good
	Source  Source // of the configuration in force: FromFile or FromDefault
	// Hash is the start of the SHA-256 of the file in force, as sha256sum
	// prints it; empty without a file.
	Hash string
}

// Pass is what one pass over a family's table came to.
type Pass struct {
	Err           error // what failed, with the kernel left as it was
	Source        Source
	Rules         int // in the chain
	Traffic       netfilter.Traffic
	RepairedChain bool // something else had changed it
	RepairedJump  bool
	Damped        bool // the next repair has to wait, for something else keeps undoing them
	Took          time.Duration
}

// Verified tells whether the pass saw the kernel hold what is wanted.
func (p Pass) Verified() bool { return p.Err == nil && p.Source != FromKernel }
