// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package rules gives tests one vocabulary for the rules that the agent keeps
// in the kernel, for each of its backends: what the rules do, and how another
// program damages them.
//
// A test states what it expects as an iptables chain, as "iptables -S" prints
// it. On the backends of iptables that is compared literally. On nftables the
// chain and the agent's table are both evaluated, for packets to the first and
// last address of every range and to those beside them, and the results are
// compared. The package reads the kernel with iptables and nft, and knows
// nothing of the agent's own packages.
package rules

import (
	"testing"

	"ip-masq-agent/test/netns"
)

// Rules are the agent's rules of one backend and family, in the network
// namespace of this process.
type Rules interface {
	// Differ describes how the kernel's rules differ from a chain. It returns ""
	// if they do what the chain does, and packets reach them exactly once.
	Differ(t testing.TB, chain []string) string
	// Exist tells whether the kernel has any part of the rules.
	Exist(t testing.TB) bool
	// List returns the rules as text. It has no handles and no counters, so that
	// a repair restores it literally.
	List(t testing.TB) string
	// Identity returns the rules as text with what a rewrite would change:
	// counters, and on nftables handles.
	Identity(t testing.TB) string
	// Commit commits lines in the language of the backend as one transaction:
	// for iptables of the nat table, for nftables of nft(8).
	Commit(t testing.TB, lines ...string)

	// Flush deletes the rules and leaves the chains, so that nothing is
	// masqueraded.
	Flush() []string
	// Unhook deletes what sends packets to the rules: the jump, or the base
	// chain.
	Unhook() []string
	// Remove deletes all of it.
	Remove() []string
	// InsertAccept puts a rule of another program before all of ours. Nothing is
	// masqueraded any more.
	InsertAccept() []string
	// Old returns the rules of an earlier agent, which keeps TCP and masquerades
	// nothing. No configuration leads to such rules.
	Old() []string
	// Hollow returns what is left of the rules of an earlier agent when another
	// program has flushed them.
	Hollow() []string
}

// Of returns the rules of a backend and a family.
func Of(backend, family string) Rules {
	if backend == netns.NFTables {
		return nftables{family: nftFamily(family)}
	}
	return iptables{backend: backend, family: family}
}

// Do commits one of the damages of a [Rules]: Do(t, r, r.Flush).
func Do(t testing.TB, r Rules, damage func() []string) {
	t.Helper()
	r.Commit(t, damage()...)
}
