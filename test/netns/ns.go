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

// NS is a network namespace: an operating system thread that is in it, and
// does there, one at a time, what [NS.Do] is given. The namespace lives as
// long as that thread and the sockets and processes made on it.
type NS struct {
	jobs chan func()
	path string // of the namespace, as ip(8) takes it
}

// New makes a namespace, loopback up. It ends with the test.
func New(t testing.TB) *NS {
	t.Helper()
	ns := start(t, syscall.CLONE_NEWNET)
	ns.IP(t, "link set lo up")
	return ns
}

// Here is the namespace that this process is in: the node's.
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
		t.Fatalf("making a network namespace: %v", err)
	}
	t.Cleanup(func() { close(ns.jobs) })
	return ns
}

// serve never unlocks its thread, so that the runtime ends the thread with the
// goroutine and gives it to no other.
func (ns *NS) serve(unshare int, ready chan<- error) {
	runtime.LockOSThread()
	if syscall.Gettid() == syscall.Getpid() {
		// The main thread stands for the process in /proc and cannot end.
		// While it is locked here, the next goroutine gets another one.
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
// that it starts stay there; goroutines that it starts are elsewhere. fn must
// not call Do of the same namespace, nor end the test.
func (ns *NS) Do(fn func() error) error {
	done := make(chan error)
	ns.jobs <- func() { done <- fn() }
	return <-done
}

// Run runs a command in the namespace, which must succeed, and returns its
// standard output.
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

// Sysctl sets a variable of the namespace: ns.Sysctl(t, "net/ipv4/ip_forward", "1").
func (ns *NS) Sysctl(t testing.TB, name, value string) {
	t.Helper()
	err := ns.Do(func() error { return os.WriteFile("/proc/sys/"+name, []byte(value), 0) })
	if err != nil {
		t.Fatalf("setting %s to %s: %v", name, value, err)
	}
}

// Output runs a command and returns its standard output. The error has the
// command line and standard error in it.
func Output(name string, args ...string) (string, error) {
	return output(exec.Command(name, args...))
}

// output is cmd.Output with the command line and standard error in the error.
func output(cmd *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
