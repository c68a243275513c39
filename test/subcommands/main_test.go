// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package subcommands_test runs the subcommands of the agent's binary on nodes,
// which are network namespaces, beside agents, other processes and other
// containers. Tests that say "given this file and these rules, the subcommand prints
// that" are in test/stories.
package subcommands_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"testing"

	"ip-masq-agent/test/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Plain)) }

// result is the output and the exit status of a command.
type result struct {
	stdout, stderr string
	status         int
}

// subcommand runs the agent with these arguments until it ends.
func subcommand(t testing.TB, env []string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := program.Command(env, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = program.Patience
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("running %q: %v", args, err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}
