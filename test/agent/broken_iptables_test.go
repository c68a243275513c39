// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
	"ip-masq-agent/test/rules"
)

// TestIPTablesThatDoesNotRun has an iptables-nft of which a library is missing, as
// after a failed update of the host. The agent uses another backend, so that a new
// node does not stay without rules.
func TestIPTablesThatDoesNotRun(t *testing.T) {
	names := []string{"iptables-nft", "iptables-nft-save", "iptables-nft-restore", "ip6tables-nft", "ip6tables-nft-save", "ip6tables-nft-restore"}
	legacy := []string{"iptables-legacy", "iptables-legacy-save", "iptables-legacy-restore", "ip6tables-legacy", "ip6tables-legacy-save", "ip6tables-legacy-restore"}
	for name, tt := range map[string]struct {
		others []string
		want   string
	}{
		"beside iptables-legacy": {legacy, "iptables-legacy"},
		"alone":                  {nil, "nftables"},
	} {
		t.Run(name, func(t *testing.T) {
			netns.Require(t, "iptables-nft", "iptables-legacy", "nft")
			netns.Run(t, func(t *testing.T) {
				dir := t.TempDir()
				binary, err := os.ReadFile(multiBinary(t, "iptables-nft"))
				if err != nil {
					t.Fatal(err)
				}
				broken := bytes.ReplaceAll(binary, []byte("libnftnl.so.11"), []byte("libnftnl.so.99"))
				if bytes.Equal(binary, broken) {
					t.Fatal("iptables-nft does not use libnftnl.so.11: the test has to break it in another way")
				}
				if err := os.WriteFile(filepath.Join(dir, "xtables-nft-multi"), broken, 0o755); err != nil {
					t.Fatal(err)
				}
				for _, name := range names {
					if err := os.Symlink("xtables-nft-multi", filepath.Join(dir, name)); err != nil {
						t.Fatal(err)
					}
				}
				link(t, dir, "iptables-legacy", tt.others...)
				n := newNode(t, tt.want, "IPv4")
				p := program.Start(t, program.Command([]string{"PATH=" + dir}, "--config="+n.config.path()))
				p.WaitLog("do not run, choosing another backend", "libnftnl.so.99")
				n.wait(n.defaultChain())
				if got := rules.New("iptables-nft", "IPv4"); got.Exist(t) {
					t.Errorf("rules in iptables-nft:\n%s", got.List(t))
				}
			})
		})
	}
}
