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

// EnvRequireRoot, if it is 1, makes [Require] fail a test instead of skipping
// it.
const EnvRequireRoot = "IP_MASQ_AGENT_TEST_REQUIRE_ROOT"

// EnvNoKernel, if it is 1, makes [Require] skip every test. test/s390x.sh sets
// it: the emulator does not translate nf_tables messages, so the kernel would
// read them in the wrong byte order.
const EnvNoKernel = "IP_MASQ_AGENT_TEST_NO_KERNEL"

// Require skips the test unless it runs as root and the commands are installed.
// With [EnvRequireRoot] it fails the test instead.
func Require(t testing.TB, commands ...string) {
	t.Helper()
	if os.Getenv(EnvNoKernel) == "1" {
		t.Skip("this test needs a kernel: " + EnvNoKernel + " is set")
	}
	if os.Geteuid() != 0 {
		unavailable(t, "this test needs root for a network namespace: run it as root, or with: unshare -rn go test ...")
	}
	for _, c := range commands {
		if _, err := exec.LookPath(c); err != nil {
			unavailable(t, "this test needs "+c+": "+howToInstall(c))
		}
	}
}

// howToInstall describes how to install a command.
func howToInstall(command string) string {
	switch command {
	case "prometheus", "promtool":
		return "install the package prometheus, version 2.42 or later, or run 'sudo make test', which downloads it without installing it"
	}
	return "install the packages iptables and iproute2"
}

func unavailable(t testing.TB, why string) {
	t.Helper()
	if os.Getenv(EnvRequireRoot) == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// inherited returns the flags that the child gets from this process: those of
// the package under test, and those of go test that do not select tests or
// write results.
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
