// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package status_test asks the built agent, over real HTTP and on a node that is
// a network namespace, what the kubelet and Prometheus ask it.
package status_test

import (
	"os"
	"testing"

	"ip-masq-agent/test/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Plain)) }
