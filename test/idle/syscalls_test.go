// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package idle_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// maxCalls is the maximum number of system calls in an idle second. One checks
// the file, none to two check each family, and four wait for the timer.
const maxCalls = 12.0

// TestSystemCallsOfAnIdleSecond counts the system calls of all threads with
// strace(1), and logs the most frequent ones if there are too many.
func TestSystemCallsOfAnIdleSecond(t *testing.T) {
	netns.FullMatrix(t, func(t *testing.T, backend, family string) {
		netns.Require(t, "strace")
		n := newNode(t, backend, family)
		file := filepath.Join(n.dir, "strace")
		args := append([]string{"-f", "-qq", "-ttt", "-o", file, program.Path()}, n.arguments("60s")...)
		cmd := exec.Command("strace", args...)
		cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stop := func(s syscall.Signal) { _ = syscall.Kill(-cmd.Process.Pid, s) }
		t.Cleanup(func() { stop(syscall.SIGKILL); _ = cmd.Wait() })
		n.waitRight()
		time.Sleep(7 * time.Second) // the agent then no longer reads the file, and has given back memory
		const seconds = 5
		best, names := -1, map[string]int{}
		for try := 0; try < maxWindows && (best < 0 || float64(best)/seconds > maxCalls); try++ {
			from := time.Now()
			time.Sleep((seconds + 1) * time.Second) // strace writes its file a little later
			// None means that the machine stood still.
			if total, n := countCalls(t, file, from, from.Add(seconds*time.Second)); total > 0 && (best < 0 || total < best) {
				best, names = total, n
			}
		}
		stop(syscall.SIGTERM)
		_ = cmd.Wait() // the status is strace's
		if best < 0 {
			t.Fatalf("strace reported no system call in %d periods", maxWindows)
		}
		perSecond := float64(best) / seconds
		t.Logf("system calls in an idle second: %.1f (limit %.1f)", perSecond, maxCalls)
		if perSecond > maxCalls {
			t.Errorf("system calls in an idle second: %.1f, limit %.1f; in %d seconds: %v", perSecond, maxCalls, seconds, names)
		}
	})
}

// countCalls counts the system calls that began in a period, also by name. A line
// is "PID SECONDS NAME(…" or, for the end of a call that another thread
// interrupted in the output, "PID SECONDS <... NAME resumed>…".
func countCalls(t *testing.T, file string, began, ended time.Time) (total int, names map[string]int) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names = map[string]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 {
			continue
		}
		name, _, isCall := strings.Cut(fields[2], "(")
		seconds, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			t.Fatalf("a line of strace: %s", lines.Text())
		}
		at := time.UnixMicro(int64(seconds * 1e6))
		if isCall && !at.Before(began) && at.Before(ended) {
			total++
			names[name]++
		}
	}
	return total, names
}
