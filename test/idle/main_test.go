// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package idle_test answers: does the agent cost a node nothing while nothing
// changes, and is it at hand when something does? It runs the agent as it ships,
// without the race detector, which would cost more than the agent.
package idle_test

import (
	"os"
	"testing"

	"ip-masq-agent/test/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Shipped)) }
