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

	"golang.org/x/sys/unix"
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

// build has make build the agent, and copies it, because others may build too. The
// copy is dropped from the page cache: what was written in large pieces is there
// in large pieces, which are mapped as a whole, and would add 2 MB to the agent's
// memory that it does not have on a node after a boot.
func build(binary string) error {
	root, err := command("", "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	root = strings.TrimSpace(root)
	if _, err := command("", "make", "-C", root, "build"); err != nil {
		return fmt.Errorf("building the agent: %w", err)
	}
	data, err := os.ReadFile(filepath.Join(root, "bin", "ip-masq-agent"))
	if err != nil {
		return err
	}
	f, err := os.OpenFile(binary, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
