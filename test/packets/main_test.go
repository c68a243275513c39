// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package packets_test compares the answers of the agent's subcommands with
// packets.
//
// For each seed it creates a random rule set in a network namespace: rules of
// other programs, with or without the agent's. It runs explain and doctor, and
// sends UDP and TCP packets from a pod through the node to a host that records
// their source addresses. A test fails if a packet contradicts an answer, or if
// there is no answer.
//
// The seeds are fixed unless -first and -seeds are set. A failure prints how to
// repeat its seed.
package packets_test

import (
	"flag"
	"os"
	"testing"

	"ip-masq-agent/test/program"
)

var (
	firstSeed = flag.Uint64("first", 1, "the first `seed`")
	seeds     = flag.Uint64("seeds", 60, "the `number` of seeds")
	smaller   = flag.Bool("shrink", true, "leave out the rules that a failure does not need")
	verbose   = flag.Bool("rules", false, "print every rule set and every answer")
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Plain)) }
