// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// TestPathsOfTheContainer tests an agent with a mount namespace of its own. The
// subcommands read its files through /proc/PID/root, but must print the paths that
// the agent's container has.
func TestPathsOfTheContainer(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		netns.Require(t, "nft")
		dir := filepath.Join(t.TempDir(), "config")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		write := func(text string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(dir, "platform"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		write("nonMasqueradeCIDRs: [10.0.0.0/8]\n")
		cmd := program.Command(nil, "--backend=nftables", "--http-bind-address=", "--config="+dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		agent := program.Start(t, cmd)
		agent.WaitLog("Synced")
		check := func(want string, args ...string) {
			t.Helper()
			r := subcommand(t, nil, args...)
			if out := r.stdout + r.stderr; !strings.Contains(out, want) || strings.Contains(out, "/proc/") {
				t.Errorf("%v: want %q and no path below /proc, got:\n%s", args, want, out)
			}
		}
		check(dir+" in the agent's container is valid\n", "doctor")
		check(fmt.Sprintf("process %d in another container", agent.PID()), "explain", "10.1.2.3")
		check("rule     10.0.0.0/8 : goto kept\n  in       table ip ip-masq-agent, map destinations\n  line     "+filepath.Join(dir, "platform")+":1\n", "explain", "10.1.2.3")
		write("nonMasqueradeCIDR: []\n")
		check("the agent rejects the file in the agent's container: "+filepath.Join(dir, "platform")+":1: ", "doctor")
		check(filepath.Join(dir, "platform")+":1: ", "explain", "10.1.2.3")
		check(filepath.Join(dir, "platform")+":1: ", "explain", "--live", "10.1.2.3")
	})
}

// TestCommandsOfTheContainer tests doctor on a node without iptables, beside an agent
// whose container has it.
func TestCommandsOfTheContainer(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		netns.Require(t, "iptables-nft")
		cmd := program.Command(nil, "--backend=iptables-nft", "--http-bind-address=", "--config=/none")
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		program.Start(t, cmd).WaitLog("Synced")
		r := subcommand(t, []string{"PATH=/nonexistent"}, "doctor")
		if r.status != 0 || !strings.Contains(r.stdout, "in another container") && !strings.Contains(r.stderr, "in another container") {
			t.Errorf("status %d: %s%s", r.status, r.stdout, r.stderr)
		}
	})
}
