// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package idle_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
)

// Limits per idle second, as counts that hardly depend on the speed and load of
// the machine. The timer causes one context switch and two calls of read(2). With a
// ticker of Go's runtime there are three or more switches.
const (
	maxSwitches   = 2.0 // voluntary context switches of all threads
	maxTimerReads = 2.2 // calls of read(2) of the timer
	maxReads      = 1.2 // calls of read(2) per family; one reads the generation of nft
	maxWrites     = 1.2 // calls of write(2) per family
)

// TestIdleBudget checks the cost of the change checks.
func TestIdleBudget(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		start(t, backend, family, "60s").checkIdleBudget()
	})
}

// TestIdleBudgetOfADirectory checks the same for a directory of files.
func TestIdleBudgetOfADirectory(t *testing.T) {
	netns.MatrixOf(t, []string{"iptables-nft"}, func(t *testing.T, backend, family string) {
		n := newNode(t, backend, family)
		args := n.arguments("60s")
		dir := filepath.Join(n.dir, "files")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		n.run(append(args, "--config="+dir)...)
		n.checkIdleBudget()
	})
}

// TestIdleBudgetOfAFamilyThatIsOff checks that with --enable-ipv6=auto on a node that
// does not forward IPv6, the agent makes one read more, which asks whether it does.
func TestIdleBudgetOfAFamilyThatIsOff(t *testing.T) {
	netns.Require(t, netns.Tools("iptables-nft", "IPv4")...)
	netns.Run(t, func(t *testing.T) {
		netns.Here(t).Sysctl(t, "net/ipv6/conf/all/forwarding", "0")
		n := newNode(t, "iptables-nft", "IPv4")
		n.run(append(n.arguments("60s"), "--enable-ipv6=auto")...)
		n.checkIdleBudgetOf(2, 1)
	})
}

// checkIdleBudget measures an agent at rest.
func (n *node) checkIdleBudget() {
	n.t.Helper()
	families := 1.0
	if n.family == "IPv6" {
		families = 2 // IPv4 is always enabled
	}
	n.checkIdleBudgetOf(families, families)
}

// checkIdleBudgetOf measures an agent at rest. The limits of reads and writes are
// multiplied by readers and writers.
func (n *node) checkIdleBudgetOf(readers, writers float64) {
	n.t.Helper()
	time.Sleep(5 * time.Second) // then the file is so old that the agent does not read it again
	const seconds = 5
	limits := []limit{
		{"context switches", maxSwitches, func(a activity) int64 { return a.switches }},
		{"reads", maxTimerReads + readers*maxReads, func(a activity) int64 { return a.reads }},
		{"writes", writers * maxWrites, func(a activity) int64 { return a.writes }},
	}
	best := make([]float64, len(limits))
	for try := range maxWindows {
		now, exceeded := n.during(seconds*time.Second), false
		for i, l := range limits {
			count := float64(l.count(now)) / seconds
			if try == 0 || count < best[i] {
				best[i] = count
			}
			exceeded = exceeded || best[i] > l.max
		}
		if !exceeded {
			break
		}
	}
	for i, l := range limits {
		n.t.Logf("%s in an idle second: %.1f (limit %.1f)", l.what, best[i], l.max)
		if best[i] > l.max {
			n.t.Errorf("%s in an idle second: %.1f, limit %.1f", l.what, best[i], l.max)
		}
	}
}

// maxWindows is the maximum number of periods in which the agent is measured. Other
// load of the machine can only increase the counts, so the lowest of them is that of
// the agent.
const maxWindows = 12

// limit is a limit of one of the counts, per second.
type limit struct {
	what  string
	max   float64
	count func(activity) int64
}

// activity counts what a process did so far.
type activity struct{ switches, reads, writes int64 }

// during returns what the agent does during a period of time.
func (n *node) during(d time.Duration) activity {
	n.t.Helper()
	before := n.activity()
	time.Sleep(d)
	after := n.activity()
	return activity{after.switches - before.switches, after.reads - before.reads, after.writes - before.writes}
}

// activity reads the voluntary context switches of all threads, see proc(5),
// and the numbers of calls of read(2), write(2) and similar ones.
func (n *node) activity() (c activity) {
	n.t.Helper()
	dir := fmt.Sprintf("/proc/%d", n.agent.PID())
	tasks, err := filepath.Glob(dir + "/task/*/status")
	if err != nil || len(tasks) == 0 {
		n.t.Fatalf("no threads of the agent: %v", err)
	}
	for _, task := range tasks {
		c.switches += n.number(task, "voluntary_ctxt_switches")
	}
	c.reads, c.writes = n.number(dir+"/io", "syscr"), n.number(dir+"/io", "syscw")
	return c
}

// number returns the value of a line "key: value" of a file.
func (n *node) number(file, key string) int64 {
	n.t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		n.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); name == key {
			number, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			if err != nil {
				n.t.Fatalf("%s of %s: %v", key, file, err)
			}
			return number
		}
	}
	n.t.Fatalf("%s has no %s", file, key)
	return 0
}
