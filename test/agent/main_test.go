// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package agent_test runs the built agent on nodes that are network namespaces,
// and looks at what an operator sees: the chain, the packets, the log, the exit
// status. It knows nothing of the agent's packages.
package agent_test

import (
	"flag"
	"os"
	"testing"

	"ip-masq-agent/test/program"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Most of a story is waiting for the agent's next tick: many of them at
	// once cost no more than two.
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		flag.Set("test.parallel", "8")
	}
	os.Exit(program.Main(m, program.Race))
}
