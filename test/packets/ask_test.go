// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package packets_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ip-masq-agent/test/program"
)

// answer is the answer of explain for one destination.
type answer struct {
	Destination string     `json:"destination"`
	Verdict     string     `json:"verdict"` // keep, masquerade, snat, drop or unknown
	To          string     `json:"to"`      // with snat: an address or a range
	Rule        string     `json:"rule"`
	Why         string     `json:"why"`
	Possible    []possible `json:"possible"` // with unknown
	File        *answer    `json:"file"`
}

type possible struct {
	Verdict string `json:"verdict"`
	To      string `json:"to"`
	Rule    string `json:"rule"`
}

func (a answer) String() string {
	text := strings.TrimSpace(a.Verdict + " " + a.To)
	if a.Why != "" {
		text += ", " + a.Why
	}
	if a.Rule != "" {
		text += ", " + a.Rule
	}
	for _, p := range a.Possible {
		text += fmt.Sprintf("; perhaps %s %s %s", p.Verdict, p.To, p.Rule)
	}
	return text
}

// mayDrop reports whether packets may be dropped according to the answer.
func (a answer) mayDrop() bool {
	if a.Verdict == "unknown" && len(a.Possible) > 0 {
		return slices.ContainsFunc(a.Possible, func(p possible) bool { return p.Verdict == "drop" || p.Verdict == "unknown" })
	}
	return a.Verdict == "drop" || a.Verdict == "unknown" || a.Verdict == ""
}

// explain asks explain about several destinations in one call. The zero source
// means any pod.
func explain(t *testing.T, config string, source netip.Addr, destinations []netip.Addr, running bool) ([]answer, error) {
	t.Helper()
	args := []string{"explain", "--live", "-o", "json"}
	if source.IsValid() {
		args = append(args, "--source", source.String())
	}
	if !running {
		args = append(args, "--enable-ipv6", "--config="+config)
	}
	for _, d := range destinations {
		args = append(args, d.String())
	}
	var out struct {
		Answers []answer `json:"answers"`
	}
	if err := ask(t, &out, args...); err != nil {
		return nil, err
	}
	if len(out.Answers) != len(destinations) {
		return nil, fmt.Errorf("%d answers to %d questions", len(out.Answers), len(destinations))
	}
	return out.Answers, nil
}

// finding is one finding of doctor.
type finding struct {
	Check    string `json:"check"`
	Severity string `json:"severity"`
	Family   string `json:"family"`
	What     string `json:"what"`
}

func doctor(t *testing.T) ([]finding, error) {
	t.Helper()
	var out struct {
		Findings []finding `json:"findings"`
	}
	err := ask(t, &out, "doctor", "-o", "json")
	return out.Findings, err
}

// ask runs a subcommand and decodes its output. Exit status 1 is also a valid
// result.
func ask(t *testing.T, out any, args ...string) error {
	t.Helper()
	cmd := program.Command(nil, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &stdout, &stderr, patience
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 1 && stdout.Len() > 0 {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	if err := json.Unmarshal(stdout.Bytes(), out); err != nil {
		return fmt.Errorf("%s: %w in %s", strings.Join(args, " "), err, stdout.String())
	}
	return nil
}

// configFile writes a file for the agent and the subcommands.
func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// startAgent starts the agent and waits until it has written the rules of both
// families. It has no HTTP server, because rules of other programs may drop the
// packets to it.
func startAgent(t *testing.T, backend, config string) (*program.Process, error) {
	t.Helper()
	p := program.Start(t, program.Command(nil, "--backend="+backend, "--enable-ipv6", "--config="+config, "--http-bind-address="))
	for end := time.Now().Add(patience); p.Log.Count(synced, "IPv4") == 0 || p.Log.Count(synced, "IPv6") == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return p, fmt.Errorf("the agent has not written its rules:\n%s", p.Log.String())
		}
	}
	return p, nil
}

// synced is the log message after a family's rules were written.
const synced = "Synced rules"

func stopAgent(p *program.Process) { p.Stop(syscall.SIGTERM) }
