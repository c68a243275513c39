// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package migrate_test checks what docs/migrate.md says about the node: what
// happens to rules and packets when this agent takes over from ip-masq-agent 2.x,
// and when 2.x takes over again.
package migrate_test

import (
	"os"
	"testing"

	"ip-masq-agent/test/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Plain)) }
