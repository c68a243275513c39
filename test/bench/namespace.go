// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// ask starts this program again with a verb, in a network namespace of its own
// with a lock file of its own for iptables-legacy, and returns its answer.
func ask[A, Q any](verb string, question Q) (answer A, err error) {
	// Pdeathsig is sent when the thread that forked ends, not the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dir, err := os.MkdirTemp("", "ip-masq-agent-bench")
	if err != nil {
		return answer, err
	}
	defer os.RemoveAll(dir)
	in, err := json.Marshal(question)
	if err != nil {
		return answer, err
	}
	cmd := isolated(verb)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	cmd.Env = append(os.Environ(), "XTABLES_LOCKFILE="+filepath.Join(dir, "xtables.lock"), "TMPDIR="+dir)
	out, err := cmd.Output()
	if err != nil {
		return answer, fmt.Errorf("measuring %s of %s: %w", verb, in, err)
	}
	return answer, json.Unmarshal(out, &answer)
}

// isolated is this program with a verb, in a network namespace of its own.
func isolated(verb string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", verb)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// command runs a command that must succeed, and returns its standard output.
func command(stdin, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

// ip runs ip(8), several times, each with the words of one line.
func ip(lines ...string) error {
	for _, line := range lines {
		if _, err := command("", "ip", strings.Fields(line)...); err != nil {
			return err
		}
	}
	return nil
}

// build compiles the agent with the flags of the Makefile and the Dockerfile.
func build(binary string) error {
	cmd := exec.Command("go", "build", "-tags", "nethttpomithttp2", "-trimpath", "-ldflags", "-s -w", "-o", binary, "ip-masq-agent/cmd/ip-masq-agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the agent: %w: %s", err, out)
	}
	return nil
}
