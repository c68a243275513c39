// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package program

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Process is a running agent.
type Process struct {
	Log Output

	t     testing.TB
	cmd   *exec.Cmd
	seen  int           // the length of the part of Log that WaitLog ignores
	done  chan struct{} // closed when the process has ended
	err   error         // the result of Wait, valid after done
	asked bool          // the test has called Stop or Exit
}

// Start starts a command in the network namespace of the test process. At the
// end of the test it calls [Process.Stop], unless the test has called Stop or
// Exit.
func Start(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{t: t, cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.Log, &p.Log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	cmd.WaitDelay = Patience
	started := make(chan error)
	go func() {
		// Pdeathsig is sent when the thread that forked ends, not the process.
		// The threads of netns.NS end before the test does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		t.Fatalf("starting the agent: %v", err)
	}
	t.Cleanup(func() { // runs after the cleanup function below
		if t.Failed() {
			t.Logf("log of the agent %s:\n%s", strings.Join(cmd.Args[1:], " "), p.Log.String())
		}
	})
	t.Cleanup(func() {
		if !p.asked {
			p.Stop(syscall.SIGTERM)
		}
	})
	return p
}

// PID returns the process ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Running reports whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Stop sends a signal, waits for exit status 0, and returns how long that took.
func (p *Process) Stop(signal os.Signal) time.Duration {
	p.t.Helper()
	p.asked = true
	if !p.Running() {
		p.t.Errorf("the agent ended before it was stopped: %v", p.err)
		return 0
	}
	// Wait for the first log line: before it the agent has no signal handler.
	Eventually(p.t, func() string {
		if p.Log.String() == "" {
			return "the agent has logged nothing"
		}
		return ""
	})
	start := time.Now()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Errorf("sending the agent %v: %v", signal, err)
	}
	if status := p.Exit(); status != 0 {
		p.t.Errorf("the agent ended with status %d on %v, want 0", status, signal)
	}
	return time.Since(start)
}

// Exit waits for the process to end and returns its exit status.
func (p *Process) Exit() int {
	p.t.Helper()
	p.asked = true
	select {
	case <-p.done:
	case <-time.After(Patience):
		p.cmd.Process.Kill()
		<-p.done
		p.t.Error("the agent did not end")
		return -1
	}
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		p.t.Errorf("waiting for the agent: %v", p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// WaitLog waits for a log line that contains all of texts. It ignores lines
// from before the last call of [Process.SkipLog].
func (p *Process) WaitLog(texts ...string) {
	p.t.Helper()
	Eventually(p.t, func() string {
		if !p.Logged(texts...) {
			return "the log has no line with " + strings.Join(texts, " and ")
		}
		return ""
	})
}

// Logged reports whether the log has a line that contains all of texts, since the
// last call of [Process.SkipLog].
func (p *Process) Logged(texts ...string) bool { return count(p.Log.String()[p.seen:], texts) > 0 }

// SkipLog makes WaitLog and Logged ignore what the agent has logged so far.
func (p *Process) SkipLog() { p.seen = len(p.Log.String()) }
