// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package daemonset_test runs the agent as the DaemonSet runs it, with the
// command line of the manifest and nothing else, on a node that may have
// x_tables or not, and looks at the packets of a pod.
package daemonset_test

import (
	"os"
	"testing"

	"ip-masq-agent/test/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Plain)) }
