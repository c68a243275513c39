// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// TestBadFlags checks that invalid flags are rejected before iptables runs.
func TestBadFlags(t *testing.T) {
	tests := []struct {
		args []string
		log  []string // in one line
	}{
		{[]string{"--masq-chain="}, []string{"--masq-chain"}},
		{[]string{"--masq-chain=-IP-MASQ"}, []string{"--masq-chain", "-IP-MASQ"}},
		{[]string{"--masq-chain=01234567890123456789012345678"}, []string{"--masq-chain", "01234567890123456789012345678", "28"}},
		{[]string{"--masq-chain=IP MASQ"}, []string{"--masq-chain", "IP MASQ"}},
		{[]string{"--masq-chain=IP-MASQ\n-F"}, []string{"--masq-chain"}},
		{[]string{"--masq-chain=IP\"MASQ"}, []string{"--masq-chain"}},
		{[]string{"--masq-chain=IP/MASQ"}, []string{"--masq-chain", "IP/MASQ"}},
		{[]string{"--masq-chain=MÄSQ"}, []string{"--masq-chain"}},
		{[]string{"--masq-chain=POSTROUTING"}, []string{"--masq-chain", "POSTROUTING"}},
		{[]string{"--masq-chain=PREROUTING"}, []string{"--masq-chain", "PREROUTING"}},
		{[]string{"--masq-chain=INPUT"}, []string{"--masq-chain", "INPUT"}},
		{[]string{"--masq-chain=OUTPUT"}, []string{"--masq-chain", "OUTPUT"}},
		{[]string{"--masq-chain=ACCEPT"}, []string{"--masq-chain", "ACCEPT"}},
		{[]string{"--masq-chain=DROP"}, []string{"--masq-chain", "DROP"}},
		{[]string{"--masq-chain=RETURN"}, []string{"--masq-chain", "RETURN"}},
		{[]string{"--masq-chain=MASQUERADE"}, []string{"--masq-chain", "MASQUERADE"}},
		{[]string{"--masq-chain=SNAT"}, []string{"--masq-chain", "SNAT"}},
		{[]string{"--to-ports=0-10"}, []string{"--to-ports", "0-10"}},
		{[]string{"--to-ports=1024-65536"}, []string{"--to-ports", "65536"}},
		{[]string{"--to-ports=2000-1000"}, []string{"--to-ports", "2000-1000"}},
		{[]string{"--to-ports=1000-2000,1500-3000"}, []string{"--to-ports", "1500-3000"}},
		{[]string{"--to-ports=1000-2000,2000-3000"}, []string{"--to-ports", "2000-3000"}},
		{[]string{"--to-ports=3000-4000,1000-3000"}, []string{"--to-ports", "1000-3000"}},
		{[]string{"--to-ports=1000-2000,"}, []string{"--to-ports"}},
		{[]string{"--to-ports=1000-"}, []string{"--to-ports", "1000-"}},
		{[]string{"--to-ports=-1000"}, []string{"--to-ports", "-1000"}},
		{[]string{"--to-ports=http-https"}, []string{"--to-ports", "http-https"}},
		{[]string{"--to-ports=1000-2000 -j ACCEPT"}, []string{"--to-ports"}},
		{[]string{"--to-ports=0x400-0x500"}, []string{"--to-ports", "0x400"}},
		{[]string{"--to-ports=+1000-2000"}, []string{"--to-ports", "+1000"}},
		{[]string{"--backend=ebtables"}, []string{"--backend", "ebtables", "iptables-legacy", "nftables"}},
		{[]string{"--backend="}, []string{"--backend"}},
		{[]string{"--http-bind-address=:99999"}, []string{"--http-bind-address", "99999"}},
		{[]string{"--http-bind-address=nowhere"}, []string{"--http-bind-address", "nowhere"}},
		{[]string{"--http-bind-address=127.0.0.1:99999"}, []string{"--http-bind-address", "99999"}},
		{[]string{"--enable-ipv6=perhaps"}, []string{"--enable-ipv6", "perhaps"}},
		{[]string{"--no-such-flag"}, []string{"no-such-flag"}},
		{[]string{"IP-MASQ"}, []string{"IP-MASQ"}},
	}
	netns.Run(t, func(t *testing.T) {
		for _, tt := range tests {
			t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
				spy := newShims(t)
				p := program.Start(t, program.Command([]string{"PATH=" + spy.dir}, append([]string{"--config=" + filepath.Join(t.TempDir(), "none")}, tt.args...)...))
				if status := p.Exit(); status <= 0 {
					t.Errorf("exit status %d, want 1", status)
				}
				if p.Log.Count(tt.log...) == 0 {
					t.Errorf("no line of the output has %q:\n%s", tt.log, p.Log.String())
				}
				if calls := spy.calls(t); len(calls) != 0 {
					t.Errorf("iptables was run: %q", calls)
				}
			})
		}
	})
}

// TestNoUsableBackend sets --backend. With --backend=auto the agent would fall
// back to nftables, which needs no command.
func TestNoUsableBackend(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		none := t.TempDir()
		onlyNft := t.TempDir()
		link(t, onlyNft, "nft", "iptables-nft", "iptables-nft-save", "iptables-nft-restore", "ip6tables-nft", "ip6tables-nft-save", "ip6tables-nft-restore")
		tests := []struct {
			name string
			path string
			args []string
			log  []string
		}{
			{"no commands, iptables-nft requested", none, []string{"--backend=iptables-nft"}, []string{"iptables-nft"}},
			{"no commands, iptables-legacy requested", none, []string{"--backend=iptables-legacy"}, []string{"iptables-legacy"}},
			{"only iptables-nft, iptables-legacy requested", onlyNft, []string{"--backend=iptables-legacy"}, []string{"iptables-legacy"}},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				p := program.Start(t, program.Command([]string{"PATH=" + tt.path}, append([]string{"--config=" + filepath.Join(t.TempDir(), "none")}, tt.args...)...))
				if status := p.Exit(); status <= 0 {
					t.Errorf("exit status %d", status)
				}
				if p.Log.Count(tt.log...) == 0 {
					t.Errorf("no line of the output has %q:\n%s", tt.log, p.Log.String())
				}
			})
		}
	})
}

// TestHelpAndVersion checks the flags that work without iptables and without
// root.
func TestHelpAndVersion(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		tests := []struct {
			flag string
			log  []string
		}{
			{"--help", []string{"--masq-chain", "--nomasq-all-reserved-ranges", "--enable-ipv6", "--random-fully", "--to-ports", "--config",
				"--http-bind-address", "--backend", "--version", "--help", "-v, --v", "--vmodule",
				"IP-MASQ", "/etc/config/ip-masq-agent", "127.0.0.1:10292", "auto"}},
			{"--version", []string{"ip-masq-agent"}},
		}
		for _, tt := range tests {
			p := program.Start(t, program.Command([]string{"PATH=" + t.TempDir()}, tt.flag))
			if status := p.Exit(); status != 0 {
				t.Errorf("%s: exit status %d", tt.flag, status)
			}
			for _, word := range tt.log {
				if !strings.Contains(p.Log.String(), word) {
					t.Errorf("the output of %s does not contain %q:\n%s", tt.flag, word, p.Log.String())
				}
			}
		}
	})
}

// link creates links in dir to commands of a backend.
func link(t *testing.T, dir, backend string, names ...string) {
	t.Helper()
	for _, name := range names {
		// The binary of a backend selects the command by the name of the link.
		if err := os.Symlink(multiBinary(t, backend), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}
