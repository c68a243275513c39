// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package daemonset_test runs the agent with the arguments of the DaemonSet
// manifest, on a node with or without x_tables, and checks the packets of a
// pod.
package daemonset_test

import (
	"os"
	"testing"

	"ip-masq-agent/test/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Plain)) }
