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

// stopLimit is the time in which the agent must stop.
const stopLimit = 2 * time.Second

// stopsInTime checks that stop, which stops the agent, takes at most stopLimit. The
// load of the machine can delay it, so another agent of again gets two more tries.
func (n *node) stopsInTime(stop, again func() time.Duration) {
	n.t.Helper()
	took := stop()
	for range 2 {
		if took > stopLimit {
			n.t.Logf("the agent took %v to stop", took)
			took = again()
		}
	}
	if took > stopLimit {
		n.t.Errorf("the agent took %v to stop, want at most %v", took, stopLimit)
	}
}

// stop stops the agent with SIGTERM, expects exit status 0 and returns how long that
// took.
func (n *node) stop(agent *os.Process) time.Duration {
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
		if status != 0 {
			n.t.Errorf("the agent ended with status %d, want 0", status)
		}
	case <-time.After(program.Patience):
		n.t.Fatal("the agent did not end")
	}
	return time.Since(began)
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
		first := fmt.Sprintf("unknown%d0x", i)
		program.Eventually(n.t, func() string { // the agent has read the file
			if _, reason, err := get("/readyz"); err != nil || !strings.Contains(reason, first) {
				return fmt.Sprintf("/readyz has no %s: %s, %v", first, reason, err)
			}
			return ""
		})
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
		n.stopsInTime(func() time.Duration { return n.stop(agent) }, func() time.Duration {
			agent, _ := n.startUnread()
			n.fillLog()
			return n.stop(agent)
		})
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
		n.stopsInTime(func() time.Duration { return n.stop(agent) }, func() time.Duration {
			agent, stderr := n.startUnread()
			stderr.Close()
			n.ready()
			return n.stop(agent)
		})
	})
}
