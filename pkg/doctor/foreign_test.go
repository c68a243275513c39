// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/netfilter"
)

func TestForeignRules(t *testing.T) {
	const text = "-A POSTROUTING -m set --match-set cali40masq-ipam-pools src -j MASQUERADE"
	got := checkForeignRules(node(rule(text, netfilter.NotUnderstood("-m set --match-set cali40masq-ipam-pools src"), to(netfilter.Masquerade))))
	want := []Finding{{
		Check: "foreign-rule", Severity: Warning, Family: "IPv4",
		What:        "a rule of POSTROUTING, after the agent's jump rule, may masquerade traffic that the file does not masquerade",
		Rules:       []string{text},
		Consequence: "some traffic to 10.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 may be masqueraded; by the file it keeps the pod's address",
		Remedy:      "find the program that writes the rule, and configure it; if you only delete the rule, the program may write it again",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, harmless := range map[string]netfilter.Rule{
		"of what the chain masquerades": rule("-d 8.8.8.0/24 -j MASQUERADE", dst("8.8.8.0/24"), to(netfilter.Masquerade)),
		"an ACCEPT after the jump":      rule("-d 10.0.0.0/8 -j ACCEPT", dst("10.0.0.0/8"), to(netfilter.Accept)),
		"of kube-proxy's mark":          rule("-m mark --mark 0x4000/0x4000 -j MASQUERADE", mark(0x4000), to(netfilter.Masquerade)),
		"of multicast":                  rule("-d 224.0.0.0/4 -j MASQUERADE", dst("224.0.0.0/4"), to(netfilter.Masquerade)),
	} {
		if diff := cmp.Diff([]string{"ok: no rule of another program contradicts the file"}, summaries(checkForeignRules(node(harmless)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// mark returns -m mark --mark M/M.
func mark(m uint32) netfilter.Condition {
	b := []byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}
	return netfilter.Condition{Key: []netfilter.Operand{{Field: netfilter.Mark, Length: 4, Mask: b}},
		Elements: []netfilter.Element{{Key: []netfilter.Range{{From: b, To: b}}}}, Text: "--mark"}
}

// before returns a node with rules before the jump rule.
func before(rules ...netfilter.Rule) Node {
	n := node()
	entry := n.Rules.Tables[0].Chains["POSTROUTING"]
	entry.Rules = append(rules, entry.Rules...)
	n.setRules(n.Rules.Tables...)
	return n
}

// TestContradictions tests each effect that a rule of another program may have, in
// each position.
func TestContradictions(t *testing.T) {
	address := netip.MustParseAddr("192.0.2.9")
	snat := netfilter.Verdict{Action: netfilter.SNAT, To: netfilter.AddressRange{From: address, To: address}}
	firewalld := node()
	firewalld.Rules.Tables = append(firewalld.Rules.Tables, &netfilter.Table{Owner: netfilter.OwnerNFTables, Family: "inet", Name: "firewalld", Chains: map[string]*netfilter.Chain{
		"nat_POSTROUTING": {Name: "nat_POSTROUTING", Base: true, Priority: 110, Rules: []netfilter.Rule{rule("add rule inet firewalld nat_POSTROUTING jump p", netfilter.Verdict{Action: netfilter.Jump, Chain: "p"})}},
		"p":               {Name: "p", Rules: []netfilter.Rule{rule("add rule inet firewalld p masquerade", to(netfilter.Masquerade))}},
	}})
	legacy := node()
	legacy.Rules.Tables = append(legacy.Rules.Tables, &netfilter.Table{Owner: netfilter.OwnerLegacy, Family: "ip", Name: "nat", Chains: map[string]*netfilter.Chain{
		"POSTROUTING": {Name: "POSTROUTING", Base: true, Priority: 100, Rules: []netfilter.Rule{rule("-A POSTROUTING -d 10.1.0.0/16 -j MASQUERADE", dst("10.1.0.0/16"), to(netfilter.Masquerade))}},
	}})
	// A chain that returns to POSTROUTING, as kube-proxy's does, exempts nothing.
	kube := before(rule("jump", netfilter.Verdict{Action: netfilter.Jump, Chain: "KUBE"}), rule("accept", dst("8.8.0.0/16"), to(netfilter.Accept)))
	kube.Rules.Tables[0].Chains["KUBE"] = &netfilter.Chain{Name: "KUBE", Rules: []netfilter.Rule{rule("return", to(netfilter.Return))}}
	dropping, unread := node(), node()
	mine := func(c netfilter.Chain) *netfilter.Table {
		c.Name, c.Base, c.Priority = "post", true, 110
		return &netfilter.Table{Owner: netfilter.OwnerNFTables, Family: "ip", Name: "mine", Chains: map[string]*netfilter.Chain{"post": &c}}
	}
	dropping.Rules.Tables = append(dropping.Rules.Tables, mine(netfilter.Chain{Policy: netfilter.Drop}))
	unread.Rules.Tables = append(unread.Rules.Tables, mine(netfilter.Chain{Err: errors.New("denied")}))
	tests := []struct {
		name string
		node Node
		want []string
	}{
		{"ACCEPT before the jump", before(rule("accept", dst("8.8.0.0/16"), to(netfilter.Accept))),
			[]string{"warning: a rule of POSTROUTING, before the agent's jump rule, exempts traffic that the file masquerades; some traffic to 8.8.0.0/16 keeps the pod's address; by the file it is masqueraded"}},
		{"a chain that returns, before that", kube,
			[]string{"warning: a rule of POSTROUTING, before the agent's jump rule, exempts traffic that the file masquerades; some traffic to 8.8.0.0/16 keeps the pod's address; by the file it is masqueraded"}},
		{"RETURN before the jump", before(rule("return", to(netfilter.Return))),
			[]string{"warning: a rule of POSTROUTING, before the agent's jump rule, exempts traffic that the file masquerades; some traffic, for example to 8.8.8.7, keeps the pod's address; by the file it is masqueraded"}},
		{"ACCEPT of what is kept", before(rule("accept", dst("10.0.0.0/8"), to(netfilter.Accept))),
			[]string{"ok: no rule of another program contradicts the file; "}},
		{"SNAT before the jump", before(rule("snat", dst("8.8.0.0/16"), snat)),
			[]string{"warning: a rule of POSTROUTING, before the agent's jump rule, translates traffic that the file masquerades; some traffic to 8.8.0.0/16 leaves with the address 192.0.2.9; by the file it is masqueraded"}},
		{"DROP after the jump", node(rule("drop", to(netfilter.Drop))),
			[]string{"warning: a rule of POSTROUTING, after the agent's jump rule, drops traffic that the file does not masquerade; some traffic to 10.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 is dropped; by the file it keeps the pod's address"}},
		{"MASQUERADE before the jump", before(rule("masquerade", dst("8.8.0.0/16"), to(netfilter.Masquerade))),
			[]string{"info: a rule of POSTROUTING, before the agent's jump rule, masquerades traffic that the file masquerades; such traffic is masqueraded by that rule, without the agent's --to-ports and --random-fully"}},
		{"another base chain", firewalld,
			[]string{"warning: firewalld's masquerading, in table inet firewalld, masquerades traffic that the file does not masquerade; some traffic to 10.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 is masqueraded; by the file it keeps the pod's address"}},
		{"a policy", dropping,
			[]string{
				"warning: the policy of chain post, in table ip mine, drops traffic that the file does not masquerade; some traffic to 10.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 is dropped; by the file it keeps the pod's address",
			}},
		{"a chain that was not read", unread,
			[]string{"unchecked: chain post, which could not be read, in table ip mine, may decide about traffic that the file does not masquerade; what happens to such traffic cannot be told"}},
		{"iptables-legacy", legacy,
			[]string{"warning: a rule of POSTROUTING, in table ip nat of iptables-legacy, masquerades traffic that the file does not masquerade; some traffic to 10.1.0.0/16 is masqueraded; by the file it keeps the pod's address"}},
		{"a set", node(rule("masquerade", dst("10.1.0.0/16"), netfilter.NotUnderstood("-m set --match-set s src"), to(netfilter.Masquerade))),
			[]string{"warning: a rule of POSTROUTING, after the agent's jump rule, may masquerade traffic that the file does not masquerade; some traffic to 10.1.0.0/16 may be masqueraded; by the file it keeps the pod's address"}},
		{"SNAT with a map", node(rule("snat", dst("10.1.0.0/16"), netfilter.Verdict{Action: netfilter.SNAT})),
			[]string{"warning: a rule of POSTROUTING, after the agent's jump rule, translates traffic that the file does not masquerade; some traffic to 10.1.0.0/16 leaves with an address that is not known; by the file it keeps the pod's address"}},
		{"tailscale's mark", before(rule("jump", netfilter.Condition(mark(0x40000)), to(netfilter.Masquerade))),
			[]string{
				"warning: a rule of POSTROUTING, before the agent's jump rule, may masquerade traffic that the file does not masquerade; some traffic to 10.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 may be masqueraded; by the file it keeps the pod's address",
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, f := range checkForeignRules(tt.node) {
				got = append(got, string(f.Severity)+": "+f.What+"; "+f.Consequence)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestOwners tests the rules by which programs are recognized.
func TestOwners(t *testing.T) {
	place := func(family, table, chain, comment, condition string) *conflict {
		r := &netfilter.Rule{Comment: comment}
		if condition != "" {
			r.Steps = []netfilter.Step{netfilter.NotUnderstood(condition)}
		}
		return &conflict{by: netfilter.Place{Table: &netfilter.Table{Family: family, Name: table}, Chain: &netfilter.Chain{Name: chain}, Rule: r}}
	}
	tests := []struct {
		at       *conflict
		want     string
		severity Severity
	}{
		{place("ip", "nat", "KUBE-POSTROUTING", "", ""), "kube-proxy's rule", Info},
		{place("ip", "kube-proxy", "masquerading", "", ""), "kube-proxy's rule", Info},
		{place("ip", "nat", "FLANNEL-POSTRTG", "", ""), "flannel's rule", Warning},
		{place("ip6", "flannel-ipv6", "postrtg", "", ""), "flannel's rule", Warning},
		{place("inet", "cni_plugins_masquerade", "masq_checks", "", ""), "a CNI plugin's ipMasq chain", Warning},
		{place("ip", "nat", "cali-nat-outgoing", "", ""), "Calico's natOutgoing", Warning},
		{place("inet", "kindnet-ipmasq", "postrouting", "", ""), "kindnet's masquerading", Warning},
		{place("inet", "firewalld", "nat_POST_public_allow", "", ""), "firewalld's masquerading", Warning},
		{place("ip", "nat", "ts-postrouting", "", ""), "tailscale's rule", Info},
		{place("ip", "nat", "LIBVIRT_PRT", "", ""), "libvirt's rule for a network", Info},
		{place("ip", "libvirt_network", "guest_nat", "", ""), "libvirt's rule for a network", Info},
		{place("inet", "netavark", "POSTROUTING", "", ""), "netavark's rule for a network", Info},
		{place("ip", "nat", "POSTROUTING", "", "! -o docker0"), "Docker's rule for a bridge", Info},
		{place("ip", "nat", "POSTROUTING", "", `oifname != "br-0123456789ab"`), "Docker's rule for a bridge", Info},
		{place("ip", "nat", "POSTROUTING", "kubenet: SNAT for outbound traffic from cluster", ""), "kubenet's rule", Warning},
		{place("ip", "nat", "POSTROUTING", "", ""), "a rule of POSTROUTING", Warning},
		{place("inet", "mine", "post", "", ""), "a rule of chain post", Warning},
	}
	for _, tt := range tests {
		if severity, _ := tt.at.remedy(); tt.at.who() != tt.want || severity != tt.severity {
			t.Errorf("%s %s: %q, %s, want %q, %s", tt.at.by.Table, tt.at.by.Chain.Name, tt.at.who(), severity, tt.want, tt.severity)
		}
	}
}
