// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package program

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// envBinary names the agent under test. [Main] builds one where it is unset,
// once: each isolated test is a process of its own and finds it set.
const envBinary = "IP_MASQ_AGENT_TEST_BINARY"

// Main is what a TestMain exits with: it runs the tests, with an agent of this
// kind at [Path].
func Main(m *testing.M, kind Kind) int {
	if !flag.Parsed() {
		flag.Parse()
	}
	// No test package imports the agent, so go test would serve the result of
	// another agent, and of another kernel, from its cache. It caches no test
	// that leaves no log of what it read; what is read before m.Run is not in it.
	if err := flag.Set("test.testlogfile", ""); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if os.Getenv(envBinary) != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "ip-masq-agent-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "ip-masq-agent")
	if err := Build(binary, kind); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	os.Setenv(envBinary, binary)
	return m.Run()
}

// Path is the agent under test.
func Path() string { return os.Getenv(envBinary) }

// Command is the agent with these arguments, in the environment of the test
// and with env besides.
func Command(env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(Path(), args...)
	// The race detector would hold up each exit for a second.
	cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), env...)
	return cmd
}
