// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	backends "ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
	"ip-masq-agent/test/netns"
)

// foreignRules returns what doctor says about the rules of other programs.
func foreignRules(t *testing.T, o Options) []string {
	t.Helper()
	var out []string
	for _, f := range Examine(Read(t.Context(), o)) {
		if f.Check == "foreign-rule" {
			out = append(out, string(f.Severity)+" "+f.Family+": "+f.What+"; "+f.Consequence)
		}
	}
	return out
}

// write writes the file of an agent.
func write(t *testing.T, o Options, text string) {
	t.Helper()
	if err := os.WriteFile(o.ConfigFile, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// syncFile writes the rules of a file to the kernel.
func syncFile(t *testing.T, backend, text string) Options {
	t.Helper()
	o := options(t, backend)
	write(t, o, text)
	if backend != string(backends.NFTables) {
		apply(t, o, backend)
		return o
	}
	c, err := config.Load(o.ConfigFile, o.Config)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range netfilter.Families() {
		if _, err := nftables.NewTable(f).Apply(t.Context(), o.Masq.Table(f, c.Config)); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// TestInvalidFile tests that doctor compares other programs' rules with the agent's
// rules in the kernel while the file is invalid, as it did while the file was valid.
func TestInvalidFile(t *testing.T) {
	const (
		foreign  = "table ip mine {\n chain post { type nat hook postrouting priority 110; policy accept; ip daddr { 8.8.8.8, 10.0.0.0/8 } masquerade\n }\n}"
		conflict = "warning IPv4: a rule of chain post, in table ip mine, masquerades traffic that the file does not masquerade; some traffic "
	)
	tests := []struct {
		name, file string
		want       string
	}{
		{"ranges", "nonMasqueradeCIDRs: [10.0.0.0/8, 'fd00::/8']", conflict + "to 10.0.0.0/8 is masqueraded; by the file it keeps the pod's address"},
		{"an exception", "nonMasqueradeCIDRs: [10.0.0.0/8]\nmasqueradeCIDRs: [10.0.0.0/9]", conflict + "to 10.128.0.0/9 is masqueraded; by the file it keeps the pod's address"},
		{"sources", "nonMasqueradeCIDRs: [192.168.0.0/16]\nsourceCIDRs: [10.4.0.0/14]", conflict + "from outside sourceCIDRs, for example to 8.8.8.8, is masqueraded; by the file it keeps its source address"},
		{"IPv6 sources", "nonMasqueradeCIDRs: [192.168.0.0/16]\nsourceCIDRs: ['fd00::/8']", conflict + "from outside sourceCIDRs, for example to 8.8.8.8, is masqueraded; by the file it keeps its source address"},
	}
	for _, backend := range []string{string(backends.NFTables), "iptables-nft"} {
		for _, tt := range tests {
			t.Run(backend+"/"+tt.name, func(t *testing.T) {
				if tt.name == "an exception" && backend == "iptables-nft" {
					tt.want = conflict + "to 10.0.0.0/8 is masqueraded; by the file it keeps the pod's address" // as the rules of the chain
				}
				netns.Require(t, "nft", netns.Command("iptables-nft", "IPv6"))
				netns.Run(t, func(t *testing.T) {
					o := syncFile(t, backend, tt.file)
					clean := foreignRules(t, o)
					write(t, o, "nonMasqueradeCIDRs: [10.0.0.0]")
					if diff := cmp.Diff([]string{"ok : no rule of another program contradicts the last valid file; "}, foreignRules(t, o)); diff != "" {
						t.Errorf("no rule of others (-want +got):\n%s", diff)
					}
					if diff := cmp.Diff([]string{"ok : no rule of another program contradicts the file; "}, clean); diff != "" {
						t.Errorf("no rule of others, valid file (-want +got):\n%s", diff)
					}
					nft(t, foreign)
					if diff := cmp.Diff([]string{tt.want}, foreignRules(t, o)); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

// TestNotCompared tests that doctor says so if neither the file nor the kernel has
// rules to compare with.
func TestNotCompared(t *testing.T) {
	const unchecked = "cannot tell whether a rule of another program contradicts the last valid file: "
	tests := []struct {
		name, backend, damage string
		want                  []string
	}{
		{"no table", string(backends.NFTables), "delete table ip ip-masq-agent",
			[]string{"unchecked IPv4: " + unchecked + "table ip-masq-agent does not exist; "}},
		{"a table with another rule", string(backends.NFTables), "add rule ip6 ip-masq-agent postrouting counter",
			[]string{"unchecked IPv6: " + unchecked + "table ip-masq-agent does not have the rules that the agent writes; "}},
		{"a table without rules", string(backends.NFTables), "flush chain ip ip-masq-agent postrouting",
			[]string{"unchecked IPv4: " + unchecked + "table ip-masq-agent does not have the rules that the agent writes; "}},
		{"no chain", "iptables-nft", "flush chain ip nat POSTROUTING\nflush chain ip nat IP-MASQ\ndelete chain ip nat IP-MASQ",
			[]string{"unchecked IPv4: " + unchecked + "chain IP-MASQ does not exist; "}},
		{"an empty chain", "iptables-nft", "flush chain ip nat IP-MASQ",
			[]string{"unchecked IPv4: " + unchecked + "chain IP-MASQ is empty; "}},
		{"a chain with another rule", "iptables-nft", "add rule ip6 nat IP-MASQ meta mark 1 accept",
			[]string{"unchecked IPv6: " + unchecked + "chain IP-MASQ has rules that are not the agent's; "}},
	}
	for _, tt := range tests {
		t.Run(tt.backend+"/"+tt.name, func(t *testing.T) {
			netns.Require(t, "nft", netns.Command("iptables-nft", "IPv6"))
			netns.Run(t, func(t *testing.T) {
				o := syncFile(t, tt.backend, "nonMasqueradeCIDRs: [10.0.0.0/8]")
				write(t, o, "nonMasqueradeCIDRs: [10.0.0.0]")
				nft(t, tt.damage)
				if diff := cmp.Diff(tt.want, foreignRules(t, o)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}
