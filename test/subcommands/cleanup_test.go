// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
)

// TestCleanupEverywhere has the agent's chain in both iptables backends and
// both families, and then that of a predecessor.
func TestCleanupEverywhere(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		backends, families := []string{"iptables-nft", "iptables-legacy"}, []string{"IPv4", "IPv6"}
		netns.Require(t, netns.Command("iptables-nft", "IPv6"), netns.Command("iptables-legacy", "IPv6"))
		for _, chain := range []string{"IP-MASQ", "IP-MASQ-AGENT"} {
			before := map[string]string{}
			for _, b := range backends {
				for _, f := range families {
					netns.Restore(t, b, f, strings.ReplaceAll(other, "KUBE-POSTROUTING", "KUBE-"+chain))
					before[b+f] = netns.Save(t, b, f)
					netns.Restore(t, b, f, "*nat\n:"+chain+" - [0:0]\n-A POSTROUTING -j "+chain+"\n-A "+chain+" -j MASQUERADE\nCOMMIT\n")
				}
			}
			r := subcommand(t, "", nil, "cleanup", "--masq-chain="+chain, "-o", "json")
			var tables []struct {
				Backend string
				Removed bool
			}
			if err := json.Unmarshal([]byte(r.stdout), &tables); err != nil || r.status != 0 {
				t.Fatalf("status %d, %v: %s%s", r.status, err, r.stdout, r.stderr)
			}
			for _, table := range tables {
				if table.Removed != (table.Backend != "nftables") { // there is no nftables table
					t.Errorf("%s: %s", chain, r.stdout)
				}
			}
			for _, b := range backends {
				for _, f := range families {
					if diff := cmp.Diff(before[b+f], netns.Save(t, b, f)); diff != "" || len(tables) != 6 {
						t.Errorf("%s %s after cleanup (-want +got):\n%s", b, f, diff)
					}
				}
			}
		}
	})
}

// TestCleanupOfTheOtherBackend removes rules from a backend that the running
// agent does not use, as doctor suggests.
func TestCleanupOfTheOtherBackend(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		left := map[string]string{"iptables-nft": "iptables-legacy", "iptables-legacy": "iptables-nft"}[backend]
		netns.Restore(t, left, family, "*nat\n:IP-MASQ - [0:0]\n-A POSTROUTING -j IP-MASQ\nCOMMIT\n")
		start(t, backend, goodFile(t))
		if r := subcommand(t, "", nil, "cleanup", "--backend="+left); r.status != 0 {
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
		r := subcommand(t, "", []string{"PATH=" + bin}, "cleanup", "--stay")
		for _, want := range []string{"iptables-legacy  IPv4  failed: ", "iptables-legacy  IPv6  removed chain IP-MASQ", "iptables-nft     IPv4  removed chain IP-MASQ"} {
			if r.status != 1 || !strings.Contains(r.stdout, want) {
				t.Errorf("status %d, no %q: %s%s", r.status, want, r.stdout, r.stderr)
			}
		}
	})
}
