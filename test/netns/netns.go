// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package netns answers: how does a test change iptables for real and leave
// nothing behind?
//
// By running as a process of its own in a network namespace of its own. [Run]
// starts the test binary again for exactly the test that calls it, so every
// thread and every child of that process, iptables and netlink sockets alike,
// sees the fresh namespace, as the agent on a node sees the node's. [Matrix]
// does so for both backends of iptables and both families, [FullMatrix] for
// nftables too. [NS] adds further namespaces,
// for a pod and for the world outside, and [Serve] and [Dial] send packets
// between them. All namespaces are anonymous: a killed test takes its own
// along.
package netns

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// envTest names the test that a child runs.
	envTest = "IP_MASQ_AGENT_TEST_CHILD"
	// envHost is the network namespace that a child must not be in.
	envHost = "IP_MASQ_AGENT_TEST_HOST_NETNS"
	// envReport is the file in which a child says that the test ran.
	envReport = "IP_MASQ_AGENT_TEST_REPORT"
)

// Run runs test in a process and a network namespace of its own, loopback up,
// with a lock file of its own for iptables-legacy. The calling test must hold
// nothing but this call: it is run in both processes, test in the child alone.
//
// Such tests share nothing, so Run makes them parallel to each other; inside,
// t.Setenv and t.Chdir are allowed. A Run inside a Run shares its namespace.
func Run(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if name := os.Getenv(envTest); name != "" {
		enter(t, name)
		test(t)
		return
	}
	Require(t, "ip")
	t.Parallel()

	// Pdeathsig is sent when the thread that forked dies, not the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	host, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatalf("reading the network namespace of the test: %v", err)
	}
	dir := t.TempDir()
	report := filepath.Join(dir, "report")
	var out bytes.Buffer
	cmd := exec.Command("/proc/self/exe", arguments(t)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(os.Environ(),
		envTest+"="+t.Name(), envHost+"="+host, envReport+"="+report,
		"XTABLES_LOCKFILE="+filepath.Join(dir, "xtables.lock"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	// A process that outlives the child holds its output open. It is an error
	// of the test, not a reason to wait for it.
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()

	t.Logf("in its own network namespace:\n%s", quote(out.String()))
	result, _ := os.ReadFile(report)
	switch {
	case err != nil:
		t.Fatalf("the test failed in its network namespace: %v", err)
	case len(result) == 0:
		t.Fatalf("the test did not run in its network namespace: nothing matched %q", pattern(t.Name()))
	case string(result) == "skip":
		t.Skip("skipped in its network namespace")
	}
}

// enter makes sure that this process is the child that was started for the
// test called name, and reports to the parent when that test is done.
func enter(t *testing.T, name string) {
	t.Helper()
	if strings.HasPrefix(t.Name(), name+"/") {
		return // a Run inside a Run
	}
	if t.Name() != name {
		t.Fatalf("this process was started for %s alone", name)
	}
	here, err := os.Readlink("/proc/self/ns/net")
	if err != nil || os.Getenv(envHost) == "" || here == os.Getenv(envHost) {
		t.Fatalf("%s is set, but this is no network namespace of its own: %s, %v", envTest, here, err)
	}
	t.Cleanup(func() {
		result := "pass"
		if t.Skipped() {
			result = "skip"
		}
		if err := os.WriteFile(os.Getenv(envReport), []byte(result), 0o600); err != nil {
			t.Errorf("reporting that the test ran: %v", err)
		}
	})
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Fatalf("ip link set lo up: %v: %s", err, out)
	}
}

// arguments is the command line of the child: this test and no other, once,
// with the time that is left, so that a child that hangs shows where it does.
func arguments(t *testing.T) []string {
	args := []string{"-test.run=" + pattern(t.Name()), "-test.count=1", "-test.v=true", "-test.paniconexit0"}
	if deadline, ok := t.Deadline(); ok {
		left := max(time.Until(deadline)-2*time.Second, time.Second)
		args = append(args, "-test.timeout="+left.String())
	}
	return append(args, inherited()...)
}

// pattern is the -test.run expression that only the test called name matches.
func pattern(name string) string {
	elements := strings.Split(name, "/")
	for i, e := range elements {
		elements[i] = "^" + regexp.QuoteMeta(e) + "$"
	}
	return strings.Join(elements, "/")
}

// quote marks the lines of the child, whose "--- PASS" would otherwise be
// taken for the parent's by whatever reads the output of go test.
func quote(out string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSuffix(out, "\n")) {
		fmt.Fprintf(&b, "| %s", line)
	}
	return b.String()
}
