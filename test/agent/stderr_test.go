// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// startUnread starts the agent with a pipe as its standard error and returns
// the read end, from which nobody reads.
func (n *node) startUnread() (agent *os.Process, stderr *os.File) {
	n.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		n.t.Fatal(err)
	}
	cmd := program.Command(n.env, "--config="+n.config.path(), "--masq-chain=IP-MASQ")
	cmd.Stderr = w
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	w.Close()
	n.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait(); r.Close() })
	return cmd.Process, r
}

// stopInTime stops the agent with SIGTERM and expects exit status 0 within two
// seconds.
func (n *node) stopInTime(agent *os.Process) {
	n.t.Helper()
	began := time.Now()
	if err := agent.Signal(terminate); err != nil {
		n.t.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() {
		state, err := agent.Wait()
		if err != nil {
			n.t.Error(err)
		}
		ended <- state.ExitCode()
	}()
	select {
	case status := <-ended:
		if took := time.Since(began); status != 0 || took > 2*time.Second {
			n.t.Errorf("the agent ended with status %d after %v, want 0 within 2s", status, took)
		}
	case <-time.After(program.Patience):
		n.t.Fatal("the agent did not end")
	}
}

// fillLog makes the agent log 200 kB, more than the pipe and the agent's buffer
// can take: eight files with 120 unknown keys each.
func (n *node) fillLog() {
	n.t.Helper()
	for i := range 8 {
		var file strings.Builder
		for k := range 120 {
			fmt.Fprintf(&file, "unknown%d%d%s: 1\n", i, k, strings.Repeat("x", 60))
		}
		n.config.write(n.t, file.String())
		time.Sleep(1200 * time.Millisecond)
	}
}

// TestUnreadStderr checks that a standard error that nobody reads delays
// neither repairs nor the stop. When somebody reads it again, the log says how
// many lines were dropped.
func TestUnreadStderr(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		n := newNode(t, "iptables-nft", "IPv4")
		n.config.write(t, n.oneRange())
		agent, stderr := n.startUnread()
		n.wait(n.oneRangeChain())
		n.fillLog()
		n.iptables("-F", "IP-MASQ")
		n.wait(n.oneRangeChain())

		t.Run("read", func(t *testing.T) {
			var log bytes.Buffer
			stderr.SetReadDeadline(time.Now().Add(program.Patience))
			for buf := make([]byte, 4096); !strings.Contains(log.String(), "Dropped log lines"); {
				k, err := stderr.Read(buf)
				if err != nil {
					t.Fatalf("the log does not mention dropped lines: %v", err)
				}
				log.Write(buf[:k])
			}
		})
		n.fillLog()
		n.stopInTime(agent)
		stderr.SetReadDeadline(time.Time{})
		rest, err := io.ReadAll(stderr)
		if err != nil || len(rest) < 32<<10 {
			t.Errorf("the log has only %d bytes, too few for the test (%v)", len(rest), err)
		}
	})
}

// TestClosedStderr checks that the agent survives when the reader of its
// standard error closes it.
func TestClosedStderr(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		n := newNode(t, "iptables-nft", "IPv4")
		n.config.write(t, n.oneRange())
		agent, stderr := n.startUnread()
		stderr.Close()
		n.wait(n.oneRangeChain())
		n.config.write(t, n.threeRanges())
		n.wait(n.threeRangesChain())
		n.iptables("-F", "IP-MASQ")
		n.wait(n.threeRangesChain())
		n.stopInTime(agent)
	})
}
