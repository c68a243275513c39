// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package program builds the agent and runs it as a process, for tests that
// observe it from outside.
//
// [Main] builds the agent once for a test package. [Command] returns a command
// of it, and [Start] runs the command until the end of the test, when it must
// stop with exit status 0. A [Process] has the log and the exit status.
// [Eventually] waits for something that the agent does. The package imports no
// package of the agent.
package program

import (
	"fmt"
	"os"
	"os/exec"
)

// Kind is the way in which the agent is built.
type Kind int

const (
	// Plain is a build without flags.
	Plain Kind = iota
	// Race is a build with the race detector, which makes the agent exit with
	// status 66 if it finds a data race. Without a C compiler it is the same as
	// Plain.
	Race
	// Shipped is a build with the flags of the Makefile and the Dockerfile. It
	// is for benchmarks, because the race detector would cost more than the
	// agent itself.
	Shipped
)

// Build compiles the agent and writes the binary to a file.
func Build(file string, kind Kind) error {
	args, env := []string{"build", "-o", file}, os.Environ()
	switch kind {
	case Race:
		if _, err := exec.LookPath("gcc"); err == nil {
			args = append(args, "-race")
		}
	case Shipped:
		args = append(args, "-trimpath", "-ldflags", "-s -w")
		env = append(env, "CGO_ENABLED=0")
	}
	cmd := exec.Command("go", append(args, "ip-masq-agent/cmd/ip-masq-agent")...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the agent: %w\n%s", err, out)
	}
	return nil
}
