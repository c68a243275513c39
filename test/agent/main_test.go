// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package agent_test runs the agent's binary on nodes, which are network
// namespaces, and checks what an operator sees: rules, packets, the log and the
// exit status. It imports no package of the agent.
package agent_test

import (
	"flag"
	"os"
	"testing"

	"ip-masq-agent/test/program"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Most tests wait for the agent's next poll, so many of them in parallel
	// cost little more than two.
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		flag.Set("test.parallel", "8")
	}
	os.Exit(program.Main(m, program.Race))
}
