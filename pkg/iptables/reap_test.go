// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"context"
	"errors"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// adoptOrphans makes this process the parent of orphaned descendants, as PID 1
// of a container is.
func adoptOrphans(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
}

// TestNothingOfACommandIsLeft: after run, neither a process nor a zombie is left. The
// script writes its process group, and run returns what it prints.
func TestNothingOfACommandIsLeft(t *testing.T) {
	adoptOrphans(t)
	const group = "echo $$ > \"$0.pid\"; "
	tests := []struct {
		name, script string
		hangs        bool
	}{
		{"ends", "echo done", false},
		{"ends, its child does not", "/bin/sleep 300 & echo done", false},
		{"fails, its child does not end", "/bin/sleep 300 & echo done; exit 1", false},
		{"hangs", "exec /bin/sleep 300", true},
		{"hangs with a child", "/bin/sleep 300 & /bin/sleep 300", true},
		{"hangs with a grandchild whose parent ended", "(/bin/sleep 300 & ) ; /bin/sleep 300", true},
		{"forks until it is killed", "while :; do /bin/sleep 300 & /bin/sleep 0.01; done", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := script(t, "iptables-nft", group+tt.script)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			type result struct {
				out string
				err error
			}
			done := make(chan result, 1)
			go func() {
				out, err := run(ctx, "", path)
				done <- result{out, err}
			}()
			pid, err := strconv.Atoi(waitFor(t, path+".pid"))
			if err != nil {
				t.Fatal(err)
			}
			if tt.hangs {
				time.Sleep(100 * time.Millisecond) // it gets to start its children
			}
			killed := time.Now()
			if tt.hangs {
				cancel()
			}
			select {
			case r := <-done:
				if tt.hangs && !errors.Is(r.err, context.Canceled) {
					t.Errorf("run returned %v, want %v", r.err, context.Canceled)
				}
				if !tt.hangs && r.err == nil && r.out != "done\n" {
					t.Errorf("output is %q", r.out)
				}
				if errors.Is(r.err, exec.ErrWaitDelay) {
					t.Errorf("its child kept the output open: %v", r.err)
				}
			case <-time.After(testWait):
				t.Fatal("run did not return")
			}
			checkGone(t, killed, "the process group", func() bool { return errors.Is(syscall.Kill(-pid, 0), syscall.ESRCH) })
		})
	}
}

// checkGone fails unless a process or a group that run killed is gone. If run gave up
// waiting, which it does after 4 * reapWait, it may disappear later.
func checkGone(t *testing.T, killed time.Time, what string, gone func() bool) {
	t.Helper()
	for gaveUp := time.Since(killed) >= 4*reapWait; !gone(); time.Sleep(10 * time.Millisecond) {
		if !gaveUp || time.Since(killed) > testWait {
			t.Errorf("%s is still there", what)
			return
		}
	}
}

// untilWritten makes a script wait for its background process to be running.
const untilWritten = "\nwhile [ ! -s \"$0.pid\" ]; do :; done"

// TestRunEndsThoughItsPipesStayOpen: a process that left the group is not killed, and
// run returns nevertheless.
func TestRunEndsThoughItsPipesStayOpen(t *testing.T) {
	path := script(t, "iptables-nft", "/usr/bin/setsid /bin/sh -c 'echo $$ > \"$0.pid\"; exec /bin/sleep 600' \"$0\" &"+untilWritten)
	_, err := run(t.Context(), "", path)
	if !errors.Is(err, exec.ErrWaitDelay) {
		t.Errorf("run returned %v, want %v", err, exec.ErrWaitDelay)
	}
	pid, err := strconv.Atoi(waitFor(t, path+".pid"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("the process that left the group was ended too: %v", err)
	}
}

// TestReap has an orphan that is in no process group of run, a command of run, and a
// child that another part of the process waits for.
func TestReap(t *testing.T) {
	adoptOrphans(t)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() { Reap(ctx); close(stopped) }()
	defer func() { cancel(); <-stopped }()

	path := script(t, "iptables-nft", "/usr/bin/setsid /bin/sh -c 'echo $$ > \"$0.pid\"; exec /bin/sleep 0.2' \"$0\" >/dev/null 2>&1 &"+untilWritten+"; /bin/rm \"$0.pid\"; exit 3")
	for range 20 {
		if _, err := run(t.Context(), "", path); !exited(err, 3) {
			t.Fatalf("run returned %v, want exit status 3", err)
		}
		other := exec.Command("/bin/sh", "-c", "exit 4")
		if err := other.Run(); !exited(err, 4) {
			t.Fatalf("the other command returned %v, want exit status 4", err)
		}
	}
	for end := time.Now().Add(testWait); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); errors.Is(err, unix.ECHILD) {
			return
		}
	}
	t.Error("orphans were not reaped")
}

// TestReapLeavesExitStatus has two children that ended and were not waited for
// yet: a command of this package, and one that was started in another way.
func TestReapLeavesExitStatus(t *testing.T) {
	ours, other := exec.Command("/bin/sh", "-c", "exit 3"), exec.Command("/bin/sh", "-c", "exit 4")
	ours.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := startGroup(ours); err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	waitExit(ours.Process.Pid)
	waitExit(other.Process.Pid)
	reapOrphans()
	if err := waitGroup(ours); !exited(err, 3) {
		t.Errorf("the command of this package ended with %v, want exit status 3", err)
	}
	if err := other.Wait(); !exited(err, 4) {
		t.Errorf("the other command ended with %v, want exit status 4", err)
	}
}

// exited reports whether err is that of a command that ended with this code.
func exited(err error, code int) bool {
	var status *exec.ExitError
	return errors.As(err, &status) && status.ExitCode() == code
}
