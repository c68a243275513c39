// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package status_test runs the agent's binary on a node, which is a network
// namespace, and sends it the HTTP requests of the kubelet and of Prometheus.
package status_test

import (
	"os"
	"testing"

	"ip-masq-agent/test/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Plain)) }
