// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"k8s.io/klog/v2"
)

const (
	// lockWait is the maximum wait of a legacy command for the lock of iptables,
	// in seconds. Without -w, 1.8.9 waits for ever.
	lockWait = 5
	// childTimeout is the time limit of a process. It includes the wait for the
	// lock, and the time that a table of 140,000 rules takes.
	childTimeout = 20 * time.Second
	// reapWait is the time that a killed process may take to disappear.
	reapWait = 500 * time.Millisecond
	// pipeWait is the time that the pipes of a command may stay open after its end. It
	// is longer than a busy node keeps the agent from running: what was not read by then
	// is lost, and the command counts as failed.
	pipeWait = 5 * time.Second
)

// run runs a command until it ends, ctx is done or childTimeout has passed, and
// returns its standard output. The error contains the command line and the
// standard error output.
func run(ctx context.Context, stdin, path string, args ...string) (string, error) {
	var stdout bytes.Buffer // unlike for a strings.Builder, os/exec needs no buffer of its own to fill it
	if err := runTo(ctx, &stdout, stdin, path, args...); err != nil {
		return "", err
	}
	return stdout.String(), nil
}

// runTo is run with a writer for the standard output. After an error stdout must
// not be used any more: a process that cannot be killed may still write to it.
func runTo(ctx context.Context, stdout io.Writer, stdin, path string, args ...string) error {
	log := klog.FromContext(ctx).V(4)
	ctx, cancel := context.WithTimeoutCause(ctx, childTimeout, errHung)
	defer cancel()
	began := time.Now()
	err := runGroup(ctx, stdout, stdin, path, args)
	if log.Enabled() {
		details := []any{"command", strings.Join(append([]string{path}, args...), " "), "took", time.Since(began)}
		if stdin != "" {
			details = append(details, "stdin", stdin)
		}
		if err != nil {
			details = append(details, "err", err)
		}
		log.Info("Ran a command", details...)
	}
	return err
}

// runGroup runs a command in a process group of its own. When the command ends, it
// kills the rest of the group and reaps all of its processes.
func runGroup(ctx context.Context, stdout io.Writer, stdin, path string, args []string) error {
	cmd := exec.CommandContext(ctx, path, args...)
	var stderr start
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	// A process that left the group may keep the pipes open.
	cmd.WaitDelay = pipeWait
	if err := startGroup(cmd); err != nil {
		if ctx.Err() != nil { // before the start
			err = context.Cause(ctx)
		}
		return commandError(path, args, err, "")
	}
	done := make(chan error, 1)
	go func() { done <- waitGroup(cmd) }()
	select {
	case err := <-done:
		return commandError(path, args, err, stderr.String())
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		if err == nil {
			return nil // the command ended just in time
		}
		return commandError(path, args, context.Cause(ctx), stderr.String())
	case <-time.After(4 * reapWait):
		// The process hangs in the kernel and does not handle signals.
		return commandError(path, args, context.Cause(ctx), "")
	}
}

var errHung = fmt.Errorf("killed after %v without an answer", childTimeout)

// commandError adds the command line and its standard error output to err. It
// returns nil if err is nil.
func commandError(path string, args []string, err error, stderr string) error {
	if err == nil {
		return nil
	}
	command := strings.Join(append([]string{path}, args...), " ")
	if stderr = clip(stderr); stderr == "" {
		return fmt.Errorf("%s: %w", command, err)
	}
	return fmt.Errorf("%s: %w: %s", command, err, stderr)
}

// maxStderr is the maximum number of bytes of a command's standard error output in
// an error.
const maxStderr = 1024

// start stores the first bytes that are written to it, somewhat more than an error
// shows, and drops the others.
type start struct{ stored []byte }

// Write implements io.Writer.
func (s *start) Write(p []byte) (int, error) {
	s.stored = append(s.stored, p[:min(4*maxStderr-len(s.stored), len(p))]...)
	return len(p), nil
}

func (s *start) String() string { return string(s.stored) }

// clip prepares the output of a command for the log: it shortens it and replaces
// control characters.
func clip(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxStderr {
		s = s[:maxStderr] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r != '\n' && !unicode.IsPrint(r) {
			return '.'
		}
		return r
	}, s)
}

// childCPU returns the CPU time of all child processes that have ended.
func childCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage); err != nil {
		return 0 // getrusage(2) does not fail with these arguments
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
