// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"time"

	"ip-masq-agent/pkg/netfilter"
)

// Observer receives the events of the agent. Its methods are called from several
// goroutines and must not block.
type Observer interface {
	// Polled is called each time that the loop checks for changes.
	Polled()
	// ConfigRead is called when the content of the file is new.
	ConfigRead(ConfigStatus)
	// Decided is called each time the agent has decided whether an optional family
	// is enabled. If it is, the call comes before the first SyncEnded.
	Decided(f netfilter.Family, enabled bool)
	// SyncStarted and SyncEnded are called before and after each sync of a family.
	// A sync that ends because the agent stops has no SyncEnded, nor has one after
	// which an optional family is off.
	SyncStarted(netfilter.Family)
	SyncEnded(netfilter.Family, Sync)
}

// Source is the origin of the rules in force.
type Source string

// The sources.
const (
	FromFile    Source = "file"
	FromDefault Source = "default" // no file, or none that was ever valid
	FromKernel  Source = "kernel"  // found in the kernel, and unchanged because no file was ever valid
)

// ConfigStatus is the result of reading the file.
type ConfigStatus struct {
	Err    error  // why the file is invalid or unreadable; nil if it is valid
	Source Source // of the configuration in force: FromFile or FromDefault
	// Hash is the start of the SHA-256 of the file in force, as sha256sum
	// prints it; empty without a file.
	Hash string
}

// Sync is the result of one sync of a family.
type Sync struct {
	Err           error // why the sync failed; nil if it did not
	Source        Source
	Rules         int // in the chain
	Traffic       netfilter.Traffic
	RepairedChain bool // another program had changed the rules
	RepairedJump  bool // another program had changed the jump to them
	Damped        bool // the next repair has to wait, because another program keeps undoing them
	Duration      time.Duration
}

// Verified reports whether the sync left the kernel with the desired rules.
func (s Sync) Verified() bool { return s.Err == nil && s.Source != FromKernel }
