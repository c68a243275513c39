// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package subcommands_test runs the subcommands of the agent's binary on nodes,
// which are network namespaces, while an agent runs there. Subcommands that
// need no node are tested in test/stories.
package subcommands_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/program"
)

var update = flag.Bool("update", false, "rewrite the golden files of testdata from the runs on iptables-nft")

func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Plain)) }

// result is the output and the exit status of a command.
type result struct {
	stdout, stderr string
	status         int
}

// subcommand runs the agent with these arguments until it ends.
func subcommand(t testing.TB, stdin string, env []string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := program.Command(env, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("running %q: %v", args, err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// transcript returns a command and its result in the format of the golden
// files.
func transcript(r result, command string) string {
	out := "$ " + command + "\n" + r.stdout
	if r.stderr != "" {
		out += "--- standard error\n" + r.stderr
	}
	return out + fmt.Sprintf("--- status %d\n", r.status)
}

// golden compares got with a file in testdata, after replacing in got each word
// of replace with an even index by the next one. With -update and write it
// writes the file instead.
func golden(t testing.TB, name, got string, write bool, replace ...string) {
	t.Helper()
	got = strings.NewReplacer(replace...).Replace(got)
	path := filepath.Join("testdata", name+".golden")
	if *update && write {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
