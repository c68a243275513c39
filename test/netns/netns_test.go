// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netns

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRunIsolatesRules(t *testing.T) {
	Matrix(t, func(t *testing.T, backend, family string) {
		Restore(t, backend, family, "*nat\n:CANARY - [0:0]\n-A CANARY -j RETURN\nCOMMIT\n")
		want := []string{"-N CANARY", "-A CANARY -j RETURN"}
		if diff := cmp.Diff(want, List(t, backend, family, "CANARY")); diff != "" {
			t.Errorf("chain in this namespace (-want +got):\n%s", diff)
		}
		other := New(t)
		err := other.Do(func() error {
			return exec.Command(Command(backend, family), "-w", "5", "-t", "nat", "-S", "CANARY").Run()
		})
		if err == nil {
			t.Error("a rule of one namespace is visible in another")
		}
		if lock := os.Getenv("XTABLES_LOCKFILE"); !strings.HasPrefix(lock, os.TempDir()) {
			t.Errorf("XTABLES_LOCKFILE is %q, which is the lock of the host", lock)
		}
	})
}

func TestRunLeavesTheHostAlone(t *testing.T) {
	before := hostNamespace(t)
	t.Run("child", func(t *testing.T) {
		Run(t, func(t *testing.T) {
			if here := hostNamespace(t); here == os.Getenv(envHost) {
				t.Errorf("the test runs in the namespace of its parent, %s", here)
			}
		})
	})
	if after := hostNamespace(t); after != before {
		t.Errorf("the process changed its namespace from %s to %s", before, after)
	}
}

func hostNamespace(t *testing.T) string {
	t.Helper()
	ns, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return ns
}

// TestRunReports runs the cases of TestScenario as go test does and checks the
// output of the parent.
func TestRunReports(t *testing.T) {
	Require(t, "ip")
	tests := []struct {
		name   string
		passes bool
		output string
	}{
		{name: "pass", passes: true, output: "--- PASS: TestScenario/pass"},
		{name: "fail", output: "| scenario: this test fails"},
		{name: "fail in a subtest", output: "| scenario: this subtest fails"},
		{name: "panic", output: "| panic: scenario"},
		{name: "exit", output: "the test failed in its network namespace: exit status 3"},
		{name: "skip", passes: true, output: "--- SKIP: TestScenario/skip"},
		{name: "special (characters) [of] a+b|c$ regexp", passes: true, output: "--- PASS: TestScenario/special"},
		{name: "not matched", output: "the test did not run in its network namespace"},
		{name: "nested", passes: true, output: "--- PASS: TestScenario/nested"},
		{name: "hang", output: "panic: test timed out"},
		{name: "leftover", output: "WaitDelay expired"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			timeout := "60s"
			if tt.name == "hang" {
				timeout = "4s"
			}
			name := "TestScenario/" + strings.ReplaceAll(tt.name, " ", "_")
			cmd := exec.Command("/proc/self/exe", "-test.v", "-test.timeout="+timeout, "-test.run="+pattern(name))
			cmd.Env = append(os.Environ(), envScenario+"=1")
			out, err := cmd.CombinedOutput()
			if (err == nil) != tt.passes {
				t.Errorf("the parent ended with %v, want success: %v", err, tt.passes)
			}
			if !strings.Contains(string(out), tt.output) {
				t.Errorf("the parent did not print %q:\n%s", tt.output, quote(string(out)))
			}
		})
	}
}

// envScenario makes TestScenario run its cases.
const envScenario = "IP_MASQ_AGENT_TEST_SCENARIO"

func TestScenario(t *testing.T) {
	if os.Getenv(envScenario) == "" {
		return // some cases fail on purpose, so only TestRunReports runs them
	}
	run := func(name string, test func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { Run(t, test) })
	}
	run("pass", func(t *testing.T) {})
	run("fail", func(t *testing.T) { os.Stdout.WriteString("scenario: this test fails\n"); t.Fail() })
	run("fail in a subtest", func(t *testing.T) {
		t.Run("sub", func(t *testing.T) { os.Stdout.WriteString("scenario: this subtest fails\n"); t.Fail() })
	})
	run("panic", func(t *testing.T) { panic("scenario") })
	run("exit", func(t *testing.T) { os.Exit(3) })
	run("skip", func(t *testing.T) { t.Skip() })
	run("special (characters) [of] a+b|c$ regexp", func(t *testing.T) {})
	run("not matched"+os.Getenv(envTest), func(t *testing.T) {})
	run("nested", func(t *testing.T) {
		outer := hostNamespace(t)
		t.Run("inner", func(t *testing.T) {
			Run(t, func(t *testing.T) {
				if inner := hostNamespace(t); inner != outer {
					t.Errorf("a Run inside a Run is in namespace %s, not %s", inner, outer)
				}
			})
		})
	})
	run("hang", func(t *testing.T) { time.Sleep(time.Hour) })
	run("leftover", func(t *testing.T) {
		// The process keeps the standard output of this one open.
		cmd := exec.Command("sleep", "20")
		cmd.Stdout = os.Stdout
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRunRefusesAFalseChild(t *testing.T) {
	Require(t, "ip")
	for _, host := range []string{"", hostNamespace(t)} {
		cmd := exec.Command("/proc/self/exe", "-test.run="+pattern("TestScenario/pass"))
		cmd.Env = append(os.Environ(), envScenario+"=1", envTest+"=TestScenario/pass", envHost+"="+host)
		if out, err := cmd.CombinedOutput(); err == nil {
			t.Errorf("a test ran in the namespace of its parent:\n%s", quote(string(out)))
		}
	}
}

func TestPattern(t *testing.T) {
	tests := []struct{ name, want string }{
		{"TestX", "^TestX$"},
		{"TestX/nft/IPv4", "^TestX$/^nft$/^IPv4$"},
		{"TestX/a.b(c)#01", `^TestX$/^a\.b\(c\)#01$`},
	}
	for _, tt := range tests {
		if got := pattern(tt.name); got != tt.want {
			t.Errorf("pattern(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}
