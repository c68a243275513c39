// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package rules lets a test check and damage the agent's rules in the kernel in
// the same way for every backend.
//
// A test states what it expects as an iptables chain, as "iptables -S" prints
// it. For the iptables backends the chain is compared literally. For nftables
// the chain and the agent's table are both evaluated, for packets to and from
// the boundaries of every CIDR, and the outcomes are compared. The package
// reads the kernel with iptables and nft. It imports no package of the agent,
// so that both cannot have the same mistake.
package rules

import (
	"testing"

	"ip-masq-agent/test/netns"
)

// Rules are the agent's rules of one backend and IP family in the network
// namespace of this process.
type Rules interface {
	// Differ describes how the kernel's rules differ from a chain. It returns
	// "" if they do what the chain does and packets reach them exactly once.
	Differ(t testing.TB, chain []string) string
	// Exist reports whether the kernel has any part of the rules.
	Exist(t testing.TB) bool
	// List returns the rules as text, without handles and counters. After a
	// repair it is the same text again.
	List(t testing.TB) string
	// ListWithCounters returns the rules as text, with everything that a
	// rewrite would change: counters, and on nftables handles.
	ListWithCounters(t testing.TB) string
	// Commit runs lines as one transaction: lines of iptables-restore for the
	// nat table, or commands of nft(8).
	Commit(t testing.TB, lines ...string)

	// Flush deletes all rules but not the chains. Then nothing is masqueraded.
	Flush() []string
	// Unhook deletes the jump rule or the base chain, so that no packet reaches
	// the rules.
	Unhook() []string
	// Remove deletes the rules and the chains.
	Remove() []string
	// InsertAccept inserts a rule that accepts every packet before the agent's
	// rules. Then nothing is masqueraded.
	InsertAccept() []string
	// Outdated returns rules that an earlier agent could have written. They
	// accept TCP and masquerade nothing, which no configuration does.
	Outdated() []string
	// Emptied returns what remains of an earlier agent's rules after another
	// program has flushed them.
	Emptied() []string
}

// New returns the rules of a backend and an IP family.
func New(backend, family string) Rules {
	if backend == netns.NFTables {
		return nftables{family: nftFamily(family)}
	}
	return iptables{backend: backend, family: family}
}

// Damage commits one of the damages of a [Rules]: Damage(t, r, r.Flush).
func Damage(t testing.TB, r Rules, damage func() []string) {
	t.Helper()
	r.Commit(t, damage()...)
}
