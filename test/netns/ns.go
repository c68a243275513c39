// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netns

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// NS is a network namespace, represented by an operating system thread in it.
// The thread runs the functions that are passed to [NS.Do], one at a time. The
// namespace exists as long as the thread and the sockets and processes that
// were made on it.
type NS struct {
	jobs chan func()
	path string // of the namespace, for ip(8)
}

// New creates a namespace with the loopback device up. It is deleted at the end
// of the test.
func New(t testing.TB) *NS {
	t.Helper()
	ns := start(t, syscall.CLONE_NEWNET)
	ns.IP(t, "link set lo up")
	return ns
}

// Here returns the namespace of this process, which is the node's.
func Here(t testing.TB) *NS {
	t.Helper()
	return start(t, 0)
}

func start(t testing.TB, unshare int) *NS {
	t.Helper()
	ns := &NS{jobs: make(chan func())}
	ready := make(chan error)
	go ns.serve(unshare, ready)
	if err := <-ready; err != nil {
		t.Fatalf("creating a network namespace: %v", err)
	}
	t.Cleanup(func() { close(ns.jobs) })
	return ns
}

// serve never unlocks its thread. The runtime therefore ends the thread with
// the goroutine, and no other goroutine gets into the namespace.
func (ns *NS) serve(unshare int, ready chan<- error) {
	runtime.LockOSThread()
	if syscall.Gettid() == syscall.Getpid() {
		// The main thread represents the process in /proc and must not end.
		// Keep it locked, so that the new goroutine gets another thread.
		defer runtime.UnlockOSThread()
		done := make(chan struct{})
		go func() {
			defer close(done)
			ns.serve(unshare, ready)
		}()
		<-done
		return
	}
	ns.path = fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), syscall.Gettid())
	if unshare != 0 {
		if err := syscall.Unshare(unshare); err != nil {
			ready <- fmt.Errorf("unshare: %w", err)
			return
		}
	}
	ready <- nil
	for job := range ns.jobs {
		job()
	}
}

// Do runs fn on a thread in the namespace. Sockets that fn opens and processes
// that it starts stay in the namespace, goroutines that it starts do not. fn
// must not call Do of the same namespace and must not end the test.
func (ns *NS) Do(fn func() error) error {
	done := make(chan error)
	ns.jobs <- func() { done <- fn() }
	return <-done
}

// Run runs a command in the namespace and returns its standard output. The test
// fails if the command does.
func (ns *NS) Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	var out string
	err := ns.Do(func() (err error) {
		out, err = output(exec.Command(name, args...))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// IP runs ip(8) in the namespace: ns.IP(t, "link set lo up").
func (ns *NS) IP(t testing.TB, args string) string {
	t.Helper()
	return ns.Run(t, "ip", strings.Fields(args)...)
}

// Sysctl sets a sysctl of the namespace: ns.Sysctl(t, "net/ipv4/ip_forward",
// "1").
func (ns *NS) Sysctl(t testing.TB, name, value string) {
	t.Helper()
	err := ns.Do(func() error { return os.WriteFile("/proc/sys/"+name, []byte(value), 0) })
	if err != nil {
		t.Fatalf("setting %s to %s: %v", name, value, err)
	}
}

// Output runs a command and returns its standard output. An error contains the
// command line and standard error.
func Output(name string, args ...string) (string, error) {
	return output(exec.Command(name, args...))
}

// output is cmd.Output, with the command line and standard error in the error.
func output(cmd *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
