// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package idle_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
	"ip-masq-agent/test/rules"
)

// node is a node with one backend. Its rules are those of one IP family. The
// node is the network namespace of this process.
type node struct {
	t               testing.TB
	backend, family string
	rules           rules.Rules // the agent's rules
	dir             string
	calls           string // a file with a line for each command that the agent has run
	agent           *program.Process
}

// start runs the agent on a new node and returns when its rules are in force
// and it is at rest.
func start(t testing.TB, backend, family, interval string) *node {
	t.Helper()
	n := newNode(t, backend, family)
	n.run(n.arguments(interval)...)
	return n
}

// newNode returns a node without an agent.
func newNode(t testing.TB, backend, family string) *node {
	t.Helper()
	n := &node{t: t, backend: backend, family: family, rules: rules.New(backend, family), dir: t.TempDir()}
	n.calls = filepath.Join(n.dir, "calls")
	for _, iptables := range netns.IPTablesBackends() {
		for _, suffix := range [][]string{nil, {"restore"}, {"save"}} {
			n.spyOn(netns.Command(iptables, "IPv4", suffix...))
			n.spyOn(netns.Command(iptables, "IPv6", suffix...))
		}
	}
	return n
}

// run starts the agent and waits until its rules are in force and it is at
// rest.
func (n *node) run(args ...string) {
	n.t.Helper()
	path := "PATH=" + n.dir + ":" + os.Getenv("PATH")
	n.agent = program.Start(n.t, program.Command([]string{path}, args...))
	n.waitRight()
	program.WaitOK(n.t, "http://127.0.0.1:10292/readyz") // the rules of all families are verified
	n.rest()
}

// arguments returns the agent's arguments, with a file that has this
// resyncInterval.
func (n *node) arguments(interval string) []string {
	n.t.Helper()
	file := filepath.Join(n.dir, "config")
	if err := os.WriteFile(file, []byte("resyncInterval: "+interval+"\n"), 0o644); err != nil {
		n.t.Fatal(err)
	}
	args := []string{"--config=" + file, "--backend=" + n.backend}
	if n.family == "IPv6" {
		args = append(args, "--enable-ipv6")
	}
	return args
}

// spyOn puts a script before an iptables command, which records each call.
func (n *node) spyOn(name string) {
	n.t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		n.t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\necho %s \"$@\" >>%s\nexec %s \"$@\"\n", name, n.calls, path)
	if err := os.WriteFile(filepath.Join(n.dir, name), []byte(script), 0o755); err != nil {
		n.t.Fatal(err)
	}
}

// called returns the commands that the agent has run so far.
func (n *node) called() []string {
	n.t.Helper()
	text, err := os.ReadFile(n.calls)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the agent has run no command
	}
	if err != nil {
		n.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// waitRight waits for the rules of the default configuration and returns how
// long that took.
func (n *node) waitRight() time.Duration {
	n.t.Helper()
	chain := []string{"-N IP-MASQ"}
	ranges := []string{"169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}
	if n.family == "IPv6" {
		ranges = []string{"fe80::/10"}
	}
	for _, r := range ranges {
		chain = append(chain, `-A IP-MASQ -d `+r+` -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`)
	}
	chain = append(chain, `-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully`)
	return program.Eventually(n.t, func() string { return n.rules.Differ(n.t, chain) })
}

// rest waits until the agent has started no process for two change checks. A
// sync may follow the check, and a commit during a sync is checked in the next
// second.
func (n *node) rest() {
	n.t.Helper()
	last, since := n.children(), time.Now()
	program.Eventually(n.t, func() string {
		if now := n.children(); now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) < 2500*time.Millisecond {
			return "the agent still starts processes"
		}
		return ""
	})
}

// metric reads one of the agent's metrics.
func (n *node) metric(name string) float64 {
	n.t.Helper()
	client := http.Client{Timeout: program.Patience}
	answer, err := client.Get("http://127.0.0.1:10292/metrics")
	if err != nil {
		n.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\n"+name+" ")
	number, _, _ := strings.Cut(after, "\n")
	value, err := strconv.ParseFloat(number, 64)
	if err != nil {
		n.t.Fatalf("metric %s: %v", name, err)
	}
	return value
}

// syncs returns how often the agent has verified its rules.
func (n *node) syncs() float64 {
	n.t.Helper()
	return n.metric(fmt.Sprintf("ip_masq_agent_syncs_total{family=%q,result=%q}", n.family, "success"))
}
