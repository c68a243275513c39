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

// ask runs this program with a subcommand in a network namespace of its own,
// with its own lock file for iptables-legacy, and returns the answer.
func ask[A, Q any](subcommand string, question Q) (answer A, err error) {
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
	cmd := isolated(subcommand)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	cmd.Env = append(os.Environ(), "XTABLES_LOCKFILE="+filepath.Join(dir, "xtables.lock"), "TMPDIR="+dir)
	out, err := cmd.Output()
	if err != nil {
		return answer, fmt.Errorf("measuring %s of %s: %w", subcommand, in, err)
	}
	return answer, json.Unmarshal(out, &answer)
}

// isolated returns the command that runs this program with a subcommand in a
// network namespace of its own.
func isolated(subcommand string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", subcommand)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// command runs a command and returns its standard output. An error contains its
// standard error.
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

// ip runs ip(8) once for each line, with the words of the line as arguments.
func ip(lines ...string) error {
	for _, line := range lines {
		if _, err := command("", "ip", strings.Fields(line)...); err != nil {
			return err
		}
	}
	return nil
}

// build runs make build and copies the binary, because other processes may
// build too. It drops the copy from the page cache. Otherwise large pages of
// the cache would be mapped as a whole and add 2 MB to the agent's memory,
// which they do not on a node after a boot.
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
