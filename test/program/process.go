// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package program

import (
	"errors"
	"os"
	"os/exec"
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
	seen  int           // how much of Log WaitLog leaves out
	done  chan struct{} // closed when it has ended
	err   error         // how, valid after done
	asked bool          // the test has asked how it ended
}

// Start starts a command in this process' network namespace. At the end of the
// test it is stopped as [Process.Stop] does, unless the test saw it end.
func Start(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{t: t, cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.Log, &p.Log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting the agent: %v", err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() { // after the stop, whatever comes of it
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

// PID is its process ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Running says if it has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Stop sends a signal, expects status 0, and returns how long that took.
func (p *Process) Stop(signal os.Signal) time.Duration {
	p.t.Helper()
	p.asked = true
	if !p.Running() {
		p.t.Errorf("the agent had ended by itself: %v", p.err)
		return 0
	}
	// Before its first word no process has a handler for signals.
	Eventually(p.t, func() string {
		if p.Log.String() == "" {
			return "the agent says nothing"
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

// Exit waits for the agent to end and returns its status.
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

// WaitLog waits until the agent has said all of words in one line, since the
// last [Process.Mark].
func (p *Process) WaitLog(words ...string) {
	p.t.Helper()
	Eventually(p.t, func() string {
		if count(p.Log.String()[p.seen:], words) == 0 {
			return "the log has no line with " + strings.Join(words, " and ")
		}
		return ""
	})
}

// Mark makes WaitLog look only at what the agent says from now on.
func (p *Process) Mark() { p.seen = len(p.Log.String()) }
