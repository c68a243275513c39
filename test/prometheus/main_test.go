// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package prometheus_test runs the shipped alerts, scrape settings and dashboard
// in a real Prometheus that scrapes a real agent.
package prometheus_test

import (
	"os"
	"testing"

	"ip-masq-agent/test/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Plain)) }
