// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package migrate_test tests what docs/migrate.md says about the node: what
// happens to rules and packets when this agent replaces ip-masq-agent 2.x, and
// after a rollback to 2.x.
package migrate_test

import (
	"os"
	"testing"

	"ip-masq-agent/test/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Plain)) }
