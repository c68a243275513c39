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

// usage is what the kernel accounts to the agent's children that have ended.
type usage struct {
	faults int64         // page faults: no process runs without one
	cpu    time.Duration // in steps of 10 ms
}

// children reads /proc/PID/stat, proc(5).
func (n *node) children() usage {
	n.t.Helper()
	field := n.stat()
	return usage{faults: field(11) + field(13), cpu: ticks(field(16) + field(17))}
}

// cpu is the CPU time of the agent and its children.
func (n *node) cpu() time.Duration {
	n.t.Helper()
	field := n.stat()
	return ticks(field(14) + field(15) + field(16) + field(17))
}

// ticks are of USER_HZ, which is 100 everywhere.
func ticks(n int64) time.Duration { return time.Duration(n) * time.Second / 100 }

func (n *node) stat() func(field int) int64 {
	n.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.agent.PID()))
	if err != nil {
		n.t.Fatalf("the agent has ended: %v", err)
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name before may have spaces
	words := strings.Fields(after)
	return func(field int) int64 {
		value, err := strconv.ParseInt(words[field-3], 10, 64)
		if err != nil {
			n.t.Fatalf("field %d of %q: %v", field, text, err)
		}
		return value
	}
}
