// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"ip-masq-agent/test/netns"
)

// TestDirectory runs the subcommands with a directory as the configuration.
func TestDirectory(t *testing.T) {
	netns.Require(t, "iptables-nft", "ip6tables-nft")
	netns.Run(t, func(t *testing.T) {
		dir := t.TempDir()
		write := func(name, text string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		checkOutput(t, 0, dir+": valid\n", "check", dir)
		checkOutput(t, 0, "10.0.0.0/8 contains it (default)", "explain", "--config="+dir, "10.9.9.9")
		checkOutput(t, 1, "info       there is no file "+dir+", so the defaults apply", "doctor", "--config="+dir, "--backend=nftables")

		write("10-platform", "nonMasqueradeCIDRs:\n- 10.0.0.0/8\n")
		write("20-team", "masqueradeCIDRs:\n\n- 10.9.0.0/16\n")
		checkOutput(t, 0, dir+": valid\n", "check", dir)
		checkOutput(t, 0, "  line     "+dir+"/20-team:3\n", "explain", "--config="+dir, "10.9.9.9")
		checkOutput(t, 0, "  line     "+dir+"/10-platform:2\n", "explain", "--config="+dir, "10.1.1.1")

		a := start(t, "iptables-nft", dir)
		checkOutput(t, 0, "ok         "+dir+" is valid", "doctor")
		checkOutput(t, 0, "  line     "+dir+"/20-team:3\n", "explain", "10.9.9.9")
		a.Stop(syscall.SIGTERM)

		write("30-other", "masqueradeCIDRs: [10.0.0.0/8]\n")
		const problem = `/30-other:1: masqueradeCIDRs: "10.0.0.0/8" is the same network as "10.0.0.0/8" in `
		checkOutput(t, 1, dir+problem+dir+"/10-platform:2 in nonMasqueradeCIDRs: keep it in one of the two lists\n"+dir+": invalid: 1 problem", "check", dir)
		checkOutput(t, 1, "error      the agent rejects the file: "+dir+problem, "doctor", "--config="+dir, "--backend=iptables-nft", "--enable-ipv6")
		if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, "30-other")); err != nil {
			t.Fatal(err)
		}
		checkOutput(t, 0, dir+"/fifo: is not a regular file, so it is skipped: remove it from the directory (warning)\n"+dir+": valid, with 1 warning", "check", dir)
	})
}
