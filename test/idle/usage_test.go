// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package idle_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is the kernel's accounting of the agent's child processes that have
// ended.
type usage struct {
	faults int64         // page faults; every process causes some
	cpu    time.Duration // with a resolution of 10 ms
}

// children reads the usage of child processes from /proc/PID/stat, see proc(5).
func (n *node) children() usage {
	n.t.Helper()
	field := n.stat()
	return usage{faults: field(11) + field(13), cpu: ticks(field(16) + field(17))}
}

// cpu returns the CPU time of the agent and its child processes.
func (n *node) cpu() time.Duration {
	n.t.Helper()
	field := n.stat()
	return ticks(field(14) + field(15) + field(16) + field(17))
}

// ticks converts clock ticks. USER_HZ is 100 on all architectures.
func ticks(n int64) time.Duration { return time.Duration(n) * time.Second / 100 }

func (n *node) stat() func(field int) int64 {
	n.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.agent.PID()))
	if err != nil {
		n.t.Fatalf("the agent has ended: %v", err)
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name of the program may have spaces
	words := strings.Fields(after)
	return func(field int) int64 {
		value, err := strconv.ParseInt(words[field-3], 10, 64)
		if err != nil {
			n.t.Fatalf("field %d of %q: %v", field, text, err)
		}
		return value
	}
}
