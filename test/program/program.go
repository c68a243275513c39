// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package program answers: how does a test run the agent that a node runs?
//
// As a process, and from outside. [Main] builds the agent once for a test
// package, [Command] names what to run and [Start] runs it until the test ends,
// when it must stop well. A [Process] says what it printed and how it ended.
// [Eventually] waits for what it does. The package knows none of the agent's.
package program

import (
	"fmt"
	"os"
	"os/exec"
)

// Kind is what an agent is built for.
type Kind int

const (
	// Plain is what go build makes.
	Plain Kind = iota
	// Race has the race detector, which makes the agent exit with 66 where it
	// found a race; it is Plain where there is no C compiler.
	Race
	// Shipped has the flags of the Makefile and the Dockerfile, for a test that
	// measures: the race detector would cost more than the agent.
	Shipped
)

// Build compiles the agent to a file.
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
