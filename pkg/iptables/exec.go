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
	// lockWait is how long a legacy command waits for the lock that all users
	// of iptables share, in seconds. Without -w, 1.8.9 waits for ever.
	lockWait = 5
	// childTimeout ends a child that hangs. It leaves a legacy command its
	// wait for the lock, and the time that a table of 140,000 rules takes.
	childTimeout = 20 * time.Second
	// reapWait is how long a killed process may take to be gone.
	reapWait = 500 * time.Millisecond
)

// run runs a command until it ends, ctx is done or childTimeout has passed, and
// returns its standard output. The error has the command line and the standard
// error output.
func run(ctx context.Context, stdin, path string, args ...string) (string, error) {
	var stdout bytes.Buffer // which os/exec fills without a buffer of its own, as it does not a strings.Builder
	if err := runTo(ctx, &stdout, stdin, path, args...); err != nil {
		return "", err
	}
	return stdout.String(), nil
}

// runTo is run with an output that need not be held in memory. If it returns an
// error, stdout must not be used any more: a command that cannot be killed may
// still write to it.
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

// runGroup runs a command in a process group of its own and ends the whole
// group with it. No process of the group is left, nor a zombie.
func runGroup(ctx context.Context, stdout io.Writer, stdin, path string, args []string) error {
	cmd := exec.CommandContext(ctx, path, args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	// A process that left the group may hold the pipes open.
	cmd.WaitDelay = reapWait
	if err := startGroup(cmd); err != nil {
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
			return nil // it was just in time
		}
		return commandError(path, args, context.Cause(ctx), stderr.String())
	case <-time.After(4 * reapWait):
		// It hangs in the kernel, where no signal reaches it.
		return commandError(path, args, context.Cause(ctx), "")
	}
}

var errHung = fmt.Errorf("ended after %v without an answer", childTimeout)

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

// maxSaid is the most of what a command says that an error repeats, in bytes.
const maxSaid = 1024

// clip makes fit for the log what a command said: not too long, and no bytes
// that a terminal would obey.
func clip(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxSaid {
		s = s[:maxSaid] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r != '\n' && !unicode.IsPrint(r) {
			return '.'
		}
		return r
	}, s)
}

// childCPU is the CPU time of all children so far that have ended.
func childCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage); err != nil {
		return 0 // never, says getrusage(2), for these arguments
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
