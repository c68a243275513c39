// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

// sourcesTable returns iptables' nat table with a chain of sourceCIDRs.
func sourcesTable() *netfilter.Table {
	return table(netfilter.OwnerNFTables, "ip", "nat", map[string]*netfilter.Chain{
		"POSTROUTING": base(100, ownJump()),
		"IP-MASQ": {Rules: []netfilter.Rule{
			rule("-A IP-MASQ -d 10.0.0.0/8 -j RETURN", dst("10.0.0.0/8"), to(netfilter.Return)),
			rule("-A IP-MASQ -s 10.4.0.0/14 -j MASQUERADE", src("10.4.0.0/14"), to(netfilter.Masquerade)),
			rule("-A IP-MASQ -s 10.8.0.0/14 -j MASQUERADE", src("10.8.0.0/14"), to(netfilter.Masquerade)),
		}},
	})
}

// sourcesOwnTable returns the same as a table of the backend nftables.
func sourcesOwnTable() *netfilter.Table {
	kept := netfilter.Verdict{Action: netfilter.Goto, Chain: "kept"}
	others := netfilter.SourceIn(netip.MustParsePrefix("10.4.0.0/14"), true, "ip saddr != @sources")
	address := func(s string) []byte { return netip.MustParseAddr(s).AsSlice() }
	destinations := netfilter.VerdictMap{
		Key:      []netfilter.Operand{{Field: netfilter.NetworkHeader, Offset: 16, Length: 4}},
		Elements: []netfilter.Element{{Key: []netfilter.Range{{From: address("10.0.0.0"), To: address("10.255.255.255")}}, Verdict: kept}},
		Text:     "ip daddr vmap @destinations",
	}
	return table(netfilter.OwnerNFTables, "ip", "ip-masq-agent", map[string]*netfilter.Chain{
		"postrouting": base(105,
			rule("add rule ip ip-masq-agent postrouting ip saddr != @sources goto kept", others, kept),
			rule("add rule ip ip-masq-agent postrouting ip daddr vmap @destinations", destinations),
			rule("add rule ip ip-masq-agent postrouting goto masq", netfilter.Verdict{Action: netfilter.Goto, Chain: "masq"})),
		"kept": {Rules: []netfilter.Rule{rule("add rule ip ip-masq-agent kept accept", to(netfilter.Accept))}},
		"masq": {Rules: []netfilter.Rule{rule("add rule ip ip-masq-agent masq masquerade", to(netfilter.Masquerade))}},
	})
}

// withoutSources returns the table with an empty set of sources.
func withoutSources() *netfilter.Table {
	t := sourcesOwnTable()
	others := netfilter.SourceIn(netip.MustParsePrefix("10.4.0.0/14"), true, "ip saddr != @sources")
	others.Elements = nil
	t.Chains["postrouting"].Rules[0].Steps[0] = others
	return t
}

func TestByKernelWithSources(t *testing.T) {
	assumed := ask("10.4.0.1", "8.8.8.8")
	assumed.Assumed = netip.MustParsePrefix("10.4.0.0/14")
	mixed := sourcesTable()
	mixed.Chains["IP-MASQ"].Rules = append(mixed.Chains["IP-MASQ"].Rules, rule("-A IP-MASQ -d 9.9.9.9/32 -j MASQUERADE", dst("9.9.9.9/32"), to(netfilter.Masquerade)))
	accepting := sourcesOwnTable() // somebody removed the condition
	accepting.Chains["postrouting"].Rules[0].Steps = accepting.Chains["postrouting"].Rules[0].Steps[1:]
	tests := []struct {
		name     string
		question Question
		table    *netfilter.Table
		want     string
	}{
		{"inside", ask("10.9.0.7", "8.8.8.8"), sourcesTable(), `8.8.8.8 from 10.9.0.7: leaves with the node's address (masqueraded)
  because  no CIDR of the agent's rules contains it (kernel)
  rule     -A IP-MASQ -s 10.8.0.0/14 -j MASQUERADE
  in       table ip nat, chain IP-MASQ
`},
		{"assumed", assumed, sourcesTable(), `8.8.8.8 from 10.4.0.1: leaves with the node's address (masqueraded)
  because  no CIDR of the agent's rules contains it (kernel)
  rule     -A IP-MASQ -s 10.4.0.0/14 -j MASQUERADE
  in       table ip nat, chain IP-MASQ
  note     assumes a pod of 10.4.0.0/14, the first CIDR of sourceCIDRs; --source names another source
`},
		{"outside", ask("192.0.2.9", "8.8.8.8"), sourcesTable(), `8.8.8.8 from 192.0.2.9: keeps its source address (not masqueraded)
  because  no source CIDR of the agent's rules contains 192.0.2.9 (kernel)
`},
		{"not only because of the source", ask("192.0.2.9", "8.8.8.8"), mixed, `8.8.8.8 from 192.0.2.9: keeps the pod's address (not masqueraded)
  because  no rule of chain IP-MASQ matches (kernel)
`},
		{"outside, backend nftables", ask("192.0.2.9", "8.8.8.8"), sourcesOwnTable(), `8.8.8.8 from 192.0.2.9: keeps its source address (not masqueraded)
  because  no source CIDR of the agent's rules contains 192.0.2.9 (kernel)
  rule     add rule ip ip-masq-agent kept accept
  in       table ip ip-masq-agent, chain kept
`},
		{"any source, a kept destination, backend nftables", ask("", "10.1.2.3"), sourcesOwnTable(), `10.1.2.3: keeps the pod's address (not masqueraded)
  because  10.0.0.0/8 contains it (kernel)
  rule     add rule ip ip-masq-agent kept accept
  in       table ip ip-masq-agent, chain kept
`},
		{"no sources, backend nftables", ask("", "8.8.8.8"), withoutSources(), `8.8.8.8: keeps its source address (not masqueraded)
  because  the agent's rules have no IPv4 source CIDR, so nothing is masqueraded (kernel)
  rule     add rule ip ip-masq-agent kept accept
  in       table ip ip-masq-agent, chain kept
`},
		{"no sources, a known source, backend nftables", ask("192.0.2.9", "10.1.2.3"), withoutSources(), `10.1.2.3 from 192.0.2.9: keeps its source address (not masqueraded)
  because  the agent's rules have no IPv4 source CIDR, so nothing is masqueraded (kernel)
  rule     add rule ip ip-masq-agent kept accept
  in       table ip ip-masq-agent, chain kept
`},
		{"kept without a range", ask("", "8.8.8.8"), accepting, `8.8.8.8: keeps the pod's address (not masqueraded)
  because  the rule accepts the packet, or returns, before a rule of the agent masquerades it (kernel)
  rule     add rule ip ip-masq-agent kept accept
  in       table ip ip-masq-agent, chain kept
`},
		{"any source", ask("", "8.8.8.8"), sourcesTable(), `8.8.8.8: cannot be told
  because  it depends on the source (use --source) (kernel)
  perhaps  masquerade: -A IP-MASQ -s 10.4.0.0/14 -j MASQUERADE
  in       table ip nat, chain IP-MASQ
  if       -s 10.4.0.0/14 (source)
  perhaps  masquerade: -A IP-MASQ -s 10.8.0.0/14 -j MASQUERADE
  in       table ip nat, chain IP-MASQ
  if       -s 10.8.0.0/14 (source)
  perhaps  keep: no rule
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := written(t, ByKernel(tt.question, inKernel(tt.table)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestByFileWithSources(t *testing.T) {
	c := config.Config{NonMasquerade: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Source: []netip.Prefix{netip.MustParsePrefix("10.4.0.0/14")}}
	rules := func(f netfilter.Family) Answer {
		q := ask("192.0.2.9", "8.8.8.8")
		if f == netfilter.IPv6 {
			q = ask("", "2001:db8::1")
		}
		return ByFile(q, Policy{From: "file", Chain: "IP-MASQ", Rules: masq.Options{ChainName: "IP-MASQ"}.Chain(f, c).Rules})
	}
	want := `8.8.8.8 from 192.0.2.9: keeps its source address (not masqueraded)
  because  no CIDR of sourceCIDRs contains 192.0.2.9 (file)
2001:db8::1: keeps its source address (not masqueraded)
  because  sourceCIDRs has no IPv6 CIDR, so nothing is masqueraded (file)
`
	c.MasqLinkLocalIPv6 = true // the IPv6 chain has no rules at all
	if diff := cmp.Diff(want, written(t, rules(netfilter.IPv4))+written(t, rules(netfilter.IPv6))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
