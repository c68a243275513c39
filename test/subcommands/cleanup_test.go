// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// TestCleanupOfTheOtherBackend removes rules from a backend that the running
// agent does not use, as doctor suggests.
func TestCleanupOfTheOtherBackend(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		left := map[string]string{"iptables-nft": "iptables-legacy", "iptables-legacy": "iptables-nft"}[backend]
		netns.Restore(t, left, family, "*nat\n:IP-MASQ - [0:0]\n-A POSTROUTING -j IP-MASQ\nCOMMIT\n")
		start(t, backend, goodFile(t))
		if r := subcommand(t, nil, "cleanup", "--backend="+left); r.status != 0 {
			t.Errorf("status %d: %s%s", r.status, r.stdout, r.stderr)
		}
		if got := netns.List(t, left, family, "IP-MASQ"); got != nil {
			t.Errorf("not removed: %q", got)
		}
		if got := netns.List(t, backend, family, "IP-MASQ"); len(got) < 2 {
			t.Errorf("the agent's own chain is damaged: %q", got)
		}
	})
}

// TestCleanupContinuesAfterAFailure checks that cleanup continues with the other tables after a
// table fails, and that it needs no command for the tables of iptables-nft.
func TestCleanupContinuesAfterAFailure(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		netns.Require(t, "ip6tables-legacy", "iptables-nft")
		rules := "*nat\n:IP-MASQ - [0:0]\n-A POSTROUTING -j IP-MASQ\nCOMMIT\n"
		netns.Restore(t, "iptables-legacy", "IPv4", rules)
		netns.Restore(t, "iptables-legacy", "IPv6", rules)
		netns.Restore(t, "iptables-nft", "IPv4", rules)
		bin := t.TempDir()
		for _, name := range []string{"iptables-legacy", "iptables-legacy-restore", "iptables-legacy-save", "ip6tables-legacy", "ip6tables-legacy-restore", "ip6tables-legacy-save"} {
			path, err := exec.LookPath(name)
			if err != nil {
				t.Fatal(err)
			}
			script := fmt.Sprintf("#!/bin/sh\nexec %s \"$@\"\n", path)
			if name == "iptables-legacy-restore" {
				script = "#!/bin/sh\necho no >&2\nexit 4\n"
			}
			if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		// Also with --stay it ends if a table fails, so that the kubelet starts
		// it again.
		r := subcommand(t, []string{"PATH=" + bin}, "cleanup", "--stay")
		for _, want := range []string{"iptables-legacy  IPv4  failed: ", "iptables-legacy  IPv6  removed chain IP-MASQ", "iptables-nft     IPv4  removed chain IP-MASQ"} {
			if r.status != 1 || !strings.Contains(r.stdout, want) {
				t.Errorf("status %d, no %q: %s%s", r.status, want, r.stdout, r.stderr)
			}
		}
	})
}
