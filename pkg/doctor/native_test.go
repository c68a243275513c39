// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	backends "ip-masq-agent/pkg/backend"
	"ip-masq-agent/test/netns"
)

// TestNativeRules tests rules that were written with nft, which iptables cannot list.
func TestNativeRules(t *testing.T) {
	tests := []struct {
		name string
		nft  string
		want []string // of what is not OK
	}{
		{"firewalld", `table inet firewalld {
			chain nat_POSTROUTING { type nat hook postrouting priority 110; policy accept; jump p
			}
			chain p { oifname != "lo" masquerade
			}
		}`, []string{
			"warning IPv4: firewalld's masquerading, in table inet firewalld, masquerades traffic that the file does not masquerade",
			"warning IPv6: firewalld's masquerading, in table inet firewalld, masquerades traffic that the file does not masquerade",
		}},
		{"tailscale", `table ip nat {
			chain ts-postrouting { meta mark and 0xff0000 == 0x40000 counter masquerade
			}
		}
		insert rule ip nat POSTROUTING counter jump ts-postrouting`,
			[]string{"info IPv4: tailscale's rule, before the agent's jump rule, may masquerade traffic that the file does not masquerade"}},
		{"one family", `add rule ip6 nat POSTROUTING oifname "wg0" masquerade`,
			[]string{"warning IPv6: a rule of POSTROUTING, after the agent's jump rule, masquerades traffic that the file does not masquerade"}},
		{"a set before the jump rule", `add set ip nat s { type ipv4_addr; elements = { 8.8.8.8 }; }
		insert rule ip nat POSTROUTING ip daddr @s accept`,
			[]string{"warning IPv4: a rule of POSTROUTING, before the agent's jump rule, exempts traffic that the file masquerades"}},
		{"libvirt", `add rule ip nat POSTROUTING ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 counter masquerade comment "x"
		table ip libvirt_network {
			chain guest_nat { type nat hook postrouting priority 100; policy accept; ip saddr 192.168.123.0/24 masquerade
			}
		}`, []string{
			"info IPv4: libvirt's rule for a network, in table ip libvirt_network, masquerades traffic that the file does not masquerade",
			"warning IPv4: a rule of POSTROUTING, after the agent's jump rule, masquerades traffic that the file does not masquerade",
		}},
		{"a CNI plugin", `table inet cni_plugins_masquerade {
			chain masq_checks { ip saddr 10.244.1.5 masquerade
			}
			chain masq { type nat hook postrouting priority 100; policy accept; jump masq_checks
			}
		}`, []string{"warning IPv4: a CNI plugin's ipMasq chain, in table inet cni_plugins_masquerade, masquerades traffic that the file does not masquerade"}},
		{"bits of the destination", `add rule ip nat POSTROUTING ip daddr & 0.0.255.0 == 0.0.1.0 masquerade
		add rule ip nat POSTROUTING ip daddr & 255.255.0.0 == 8.8.0.0 accept
		table inet other {
			chain post { type nat hook postrouting priority 110; ip6 daddr fd00::/8 accept; ip6 saddr ::5 accept
			}
		}`, []string{"unchecked IPv4: a rule tests single bits of the destination, so not all addresses that it matches were tested"}},
		{"bits of the destination in a map", `add rule ip nat POSTROUTING ip daddr & 0.0.0.255 vmap { 0.0.0.7 : accept }`,
			[]string{"unchecked IPv4: a rule tests single bits of the destination, so not all addresses that it matches were tested"}},
		{"dormant", `add table ip nat { flags dormant; }`, []string{"error IPv4: table ip nat is dormant"}},
		{"no hook", `delete table ip nat
		table ip nat {
			chain IP-MASQ { masquerade
			}
			chain POSTROUTING { fib daddr type != local jump IP-MASQ
			}
		}`, []string{
			"error IPv4: chain IP-MASQ differs from the file (- is missing, + is unexpected)",
			"error IPv4: chain POSTROUTING of table ip nat: packets do not pass the chain, because it is not of type nat at the hook postrouting",
		}},
		{"no hook, no chain", `delete table ip nat
		table ip nat {
			chain POSTROUTING { counter
			}
		}`, []string{
			"error IPv4: chain IP-MASQ does not exist",
			"error IPv4: chain POSTROUTING of table ip nat: packets do not pass the chain, because it is not of type nat at the hook postrouting",
		}},
		{"another agent's table", `table ip nat {
			chain IP-MASQ-AGENT { masquerade
			}
		}`, []string{"info IPv4: another agent's chain, IP-MASQ-AGENT, is in iptables-nft beside IP-MASQ"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkDamage(t, tt.nft, tt.want, func(f Finding) []string {
				if len(ofTables([]Finding{f})) == 0 {
					return nil
				}
				return []string{string(f.Severity) + " " + f.Family + ": " + f.What}
			})
		})
	}
}

// TestReloadedRules tests the agent's rules after nft has saved and loaded them. They
// are then native rules without comments. doctor must find nothing once the agent has
// restored the chain.
func TestReloadedRules(t *testing.T) {
	netns.Require(t, "nft", netns.Command("iptables-nft", "IPv6"))
	netns.Run(t, func(t *testing.T) {
		options := synced(t, "iptables-nft")
		nft(t, "flush ruleset\n"+netns.NFTRuleset(t))
		for _, f := range ofTables(Examine(Read(t.Context(), options))) {
			if f.Severity != OK && f.Check != "chain" {
				t.Errorf("%+v", f)
			}
		}
		apply(t, options, "iptables-nft")
		if findings := ofTables(Examine(Read(t.Context(), options))); !Healthy(findings) {
			t.Errorf("after a repair: %+v", findings)
		}
	})
}

// TestOwnTable tests the table of the backend nftables.
func TestOwnTable(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		options := options(t, string(backends.NFTables))
		applyTables(t, options)
		if findings := ofTables(Examine(Read(t.Context(), options))); !Healthy(findings) {
			t.Errorf("%+v", findings)
		}
		for _, tt := range []struct {
			damage string
			want   []string
		}{
			{"flush chain ip ip-masq-agent masq\ndelete table ip6 ip-masq-agent",
				[]string{"error IPv4: table ip-masq-agent differs from the file", "error IPv6: table ip-masq-agent does not exist"}},
			{"delete table ip ip-masq-agent\nadd table ip ip-masq-agent",
				[]string{"error IPv4: table ip-masq-agent has no base chain at nat/postrouting", "error IPv6: table ip-masq-agent does not exist"}},
		} {
			nft(t, tt.damage)
			var got []string
			for _, f := range ofTables(Examine(Read(t.Context(), options))) {
				if f.Severity != OK {
					got = append(got, string(f.Severity)+" "+f.Family+": "+f.What)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.damage, diff)
			}
		}
	})
}

func nft(t *testing.T, commands string) {
	t.Helper()
	cmd := exec.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader(commands)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, commands)
	}
}

// checkDamage changes a synced node with nft, and compares what doctor finds there, in
// the words of each finding that is not OK.
func checkDamage(t *testing.T, commands string, want []string, words func(Finding) []string) {
	t.Helper()
	netns.Require(t, "nft", netns.Command("iptables-nft", "IPv6"))
	netns.Run(t, func(t *testing.T) {
		options := synced(t, "iptables-nft")
		nft(t, commands)
		var got []string
		for _, f := range Examine(Read(t.Context(), options)) {
			if f.Severity != OK {
				got = append(got, words(f)...)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
