// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package netns runs a test in a network namespace of its own, where it can
// change rules for real and leaves nothing behind.
//
// [Run] starts the test binary again, as a child process in a new network
// namespace, for exactly the test that calls it. Every thread and child process
// of the test, iptables and netlink sockets included, is in the new namespace.
// [Matrix] does so for both iptables backends and both IP families,
// [FullMatrix] also for nftables.
//
// [NS] is a further namespace, for a pod or for a network outside. [Serve] and
// [Dial] send packets between namespaces. No namespace has a name, so all of
// them disappear with the process, also if it is killed.
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
	// envTest is the name of the test that the child process runs.
	envTest = "IP_MASQ_AGENT_TEST_CHILD"
	// envHost is the network namespace of the parent process.
	envHost = "IP_MASQ_AGENT_TEST_HOST_NETNS"
	// envReport is the file in which the child reports that the test ran.
	envReport = "IP_MASQ_AGENT_TEST_REPORT"
)

// Run runs test in a process and a network namespace of its own, with the
// loopback device up and a lock file for iptables-legacy. The calling test must
// contain nothing but this call, because it runs in both processes. Only the
// child calls test.
//
// Tests with Run share nothing, so Run makes them parallel. Inside test,
// t.Setenv and t.Chdir are allowed. A Run inside a Run uses the same namespace.
func Run(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if name := os.Getenv(envTest); name != "" {
		enter(t, name)
		test(t)
		return
	}
	Require(t, "ip")
	t.Parallel()

	// Pdeathsig is sent when the thread that forked ends, not the process.
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
	// A process that outlives the child keeps its output open. That is an error
	// of the test, so do not wait for it.
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

// enter checks that this process is the child that was started for the test
// name, and writes the report for the parent at the end of the test.
func enter(t *testing.T, name string) {
	t.Helper()
	if strings.HasPrefix(t.Name(), name+"/") {
		return // a Run inside a Run
	}
	if t.Name() != name {
		t.Fatalf("this process was started for %s only", name)
	}
	here, err := os.Readlink("/proc/self/ns/net")
	if err != nil || os.Getenv(envHost) == "" || here == os.Getenv(envHost) {
		t.Fatalf("%s is set, but this process is not in a network namespace of its own: %s, %v", envTest, here, err)
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

// arguments returns the arguments of the child: this test only, once. Its
// timeout is the time that is left to the parent, so that a hanging child
// prints where it hangs.
func arguments(t *testing.T) []string {
	args := []string{"-test.run=" + pattern(t.Name()), "-test.count=1", "-test.v=true", "-test.paniconexit0"}
	if deadline, ok := t.Deadline(); ok {
		left := max(time.Until(deadline)-2*time.Second, time.Second)
		args = append(args, "-test.timeout="+left.String())
	}
	return append(args, inherited()...)
}

// pattern returns a -test.run expression that matches only the test name.
func pattern(name string) string {
	elements := strings.Split(name, "/")
	for i, e := range elements {
		elements[i] = "^" + regexp.QuoteMeta(e) + "$"
	}
	return strings.Join(elements, "/")
}

// quote prefixes the lines of the child's output. Tools that read the output of
// go test would otherwise take the child's "--- PASS" for the parent's.
func quote(out string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSuffix(out, "\n")) {
		fmt.Fprintf(&b, "| %s", line)
	}
	return b.String()
}
