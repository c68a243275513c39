// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// startNamed starts a copy of a program with the name of the agent, as a given
// user. It runs until the end of the test.
func startNamed(t testing.TB, program string, user uint32, args ...string) {
	t.Helper()
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "named")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ip-masq-agent")
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}

// TestOnlyTheAgentCountsAsOne checks that a process counts as an agent only
// if it is this program, in any version, and runs as root. Any user can start a
// program with that name.
func TestOnlyTheAgentCountsAsOne(t *testing.T) {
	cat, err := exec.LookPath("cat") // like the agent, it runs without arguments
	if err != nil {
		t.Fatal(err)
	}
	agentArgs := []string{"--backend=iptables-nft", "--http-bind-address=", "--config=/nonexistent"}
	const nobody = 65534
	tests := []struct {
		name    string
		program string
		user    uint32
		args    []string
		counts  bool
	}{
		{"another program of root", cat, 0, nil, false},
		{"another program of a user", cat, nobody, nil, false},
		{"the agent of a user", program.Path(), nobody, agentArgs, false},
		{"the agent of root", program.Path(), 0, agentArgs, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			netns.Run(t, func(t *testing.T) {
				startNamed(t, tt.program, tt.user, tt.args...)
				if r := subcommand(t, nil, "cleanup"); strings.Contains(r.stderr, "nothing was removed") != tt.counts {
					t.Errorf("cleanup: status %d: %s%s", r.status, r.stdout, r.stderr)
				}
				if r := subcommand(t, nil, "doctor"); strings.Contains(r.stdout, "Using the flags of the running agent") != tt.counts {
					t.Errorf("doctor: status %d: %s%s", r.status, r.stdout, r.stderr)
				}
			})
		})
	}
}
