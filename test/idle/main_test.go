// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package idle_test measures what the agent costs a node while nothing changes,
// and how soon it repairs its rules. It uses a release build, because the race
// detector costs more than the agent.
package idle_test

import (
	"os"
	"testing"

	"ip-masq-agent/test/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Shipped)) }
