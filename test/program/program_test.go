// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package program

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// recorder is a testing.TB that records errors and does not fail the test.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func TestProcess(t *testing.T) {
	tests := map[string]struct {
		script string
		status int
		wrong  string // the error that Stop reports
	}{
		"stops well":      {script: "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done"},
		"wrong status":    {script: "trap 'exit 66' TERM; echo ready; while :; do sleep 0.01; done", status: 66, wrong: "the agent ended with status 66 on terminated, want 0"},
		"killed":          {script: "echo ready; exec sleep 60", status: -1, wrong: "the agent ended with status -1 on terminated, want 0"},
		"ended by itself": {script: "echo ready", wrong: "the agent ended before it was stopped: <nil>"},
		"crashed":         {script: "echo ready; exit 2", status: 2, wrong: "the agent ended before it was stopped: exit status 2"},
	}
	for name, tt := range tests {
		for _, how := range []string{"by the test", "at the end of the test"} {
			t.Run(name+" "+how, func(t *testing.T) {
				r := &recorder{TB: t}
				t.Cleanup(func() { // runs after the cleanup functions of Start
					if got := strings.Join(r.errors, "\n"); got != tt.wrong {
						t.Errorf("errors %q, want %q", got, tt.wrong)
					}
				})
				p := Start(r, exec.Command("sh", "-c", tt.script))
				p.WaitLog("ready")
				if strings.Contains(tt.wrong, "before it was stopped") {
					<-p.done
				}
				if how == "by the test" {
					p.Stop(syscall.SIGTERM)
					if got := p.Exit(); got != tt.status {
						t.Errorf("status %d, want %d", got, tt.status)
					}
				}
			})
		}
	}
}

func TestLog(t *testing.T) {
	cmd := exec.Command("sh", "-c", "echo one two; echo two >&2; read go; echo two three")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := Start(t, cmd)
	p.WaitLog("two", "one")
	p.SkipLog()
	fmt.Fprintln(stdin)
	p.WaitLog("three")
	if status := p.Exit(); status != 0 {
		t.Errorf("status %d, want 0", status)
	}
	for words, want := range map[string]int{"two": 3, "two one": 1, "one three": 0} {
		if got := p.Log.Count(strings.Fields(words)...); got != want {
			t.Errorf("%d lines with %s, want %d", got, words, want)
		}
	}
}
