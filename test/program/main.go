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

// envBinary is the environment variable with the path of the agent under test.
// [Main] builds the agent if the variable is not set. Each test of [netns.Run]
// is a process of its own, which inherits the variable and does not build
// again.
const envBinary = "IP_MASQ_AGENT_TEST_BINARY"

// Main builds an agent of this kind, runs the tests and returns the exit status
// for TestMain. [Path] is the path of the agent.
func Main(m *testing.M, kind Kind) int {
	if !flag.Parsed() {
		flag.Parse()
	}
	// Do not cache test results. No test package imports the agent, so go test
	// would not notice that the agent or the kernel has changed. go test caches
	// only if the test binary writes a list of the files that it read.
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

// Path returns the path of the agent under test.
func Path() string { return os.Getenv(envBinary) }

// Command returns the agent's command with these arguments. Its environment is
// that of the test, and env.
func Command(env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(Path(), args...)
	// By default the race detector delays each exit by one second.
	cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), env...)
	return cmd
}
