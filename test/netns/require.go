// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netns

import (
	"flag"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// EnvRequireRoot, set to 1, turns every skip of [Require] into a failure.
const EnvRequireRoot = "IP_MASQ_AGENT_TEST_REQUIRE_ROOT"

// EnvNoKernel, set to 1, makes [Require] skip every test. test/s390x.sh sets
// it: an emulator of a processor does not translate the messages of nf_tables,
// so the kernel would read them in the wrong byte order.
const EnvNoKernel = "IP_MASQ_AGENT_TEST_NO_KERNEL"

// Require ends the test unless it runs as root and the commands are there: as
// a skip for a passer-by who runs go test, as a failure where [EnvRequireRoot]
// says that nothing may be left out.
func Require(t testing.TB, commands ...string) {
	t.Helper()
	if os.Getenv(EnvNoKernel) == "1" {
		t.Skip("this test needs a kernel: " + EnvNoKernel + " is set")
	}
	if os.Geteuid() != 0 {
		missing(t, "this test needs root for a network namespace: run it as root, or with: unshare -rn go test ...")
	}
	for _, c := range commands {
		if _, err := exec.LookPath(c); err != nil {
			missing(t, "this test needs "+c+": "+remedy(c))
		}
	}
}

// remedy says how to get a command.
func remedy(command string) string {
	switch command {
	case "prometheus", "promtool":
		return "install the package prometheus, version 2.42 or later, or run 'sudo make test', which downloads it without installing it"
	}
	return "install the packages iptables and iproute2"
}

func missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv(EnvRequireRoot) == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// inherited lists the flags that a child takes over from this process: those
// of the package under test, and the few of go test that are not about which
// tests run and where their results go.
func inherited() []string {
	ours := []string{"test.short", "test.gocoverdir"}
	var args []string
	flag.Visit(func(f *flag.Flag) {
		if !strings.HasPrefix(f.Name, "test.") || slices.Contains(ours, f.Name) {
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	return args
}
