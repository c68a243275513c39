// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/netfilter"
)

func TestByKernel(t *testing.T) {
	local := ask("", "192.0.2.1")
	local.Route = host.Route{Type: netfilter.TypeLocal, Device: netfilter.Interface{Name: "lo", Index: 1}}
	lost := ask("", "8.8.8.8")
	lost.Route = host.Route{}
	pod := rule("-A POSTROUTING -s 10.244.1.5/32 -j MASQUERADE", src("10.244.1.5/32"), to(netfilter.Masquerade))
	firewalld := table(netfilter.OwnerNFTables, "inet", "firewalld", map[string]*netfilter.Chain{
		"nat_POSTROUTING": base(110, rule("add rule inet firewalld nat_POSTROUTING jump p", jump("p"))),
		"p":               {Rules: []netfilter.Rule{rule("add rule inet firewalld p masquerade", to(netfilter.Masquerade))}},
	})
	snat := netfilter.Verdict{Action: netfilter.SNAT, To: netfilter.AddressRange{From: netip.MustParseAddr("192.0.2.9"), To: netip.MustParseAddr("192.0.2.9")}}
	noJump := nat(nil, nil)
	noJump.Chains["POSTROUTING"].Rules = nil
	noHook, dormant := nat(nil, nil), nat(nil, nil)
	noHook.Chains["POSTROUTING"].Base = false
	dormant.Dormant = true
	empty := nat(nil, nil)
	empty.Chains["IP-MASQ"].Rules = nil
	// A chain that returns to POSTROUTING, as kube-proxy's does, decides nothing.
	kube := nat([]netfilter.Rule{rule("-A POSTROUTING -j KUBE-POSTROUTING", jump("KUBE-POSTROUTING"))}, nil)
	kube.Chains["KUBE-POSTROUTING"] = &netfilter.Chain{Name: "KUBE-POSTROUTING", Rules: []netfilter.Rule{rule("-A KUBE-POSTROUTING -j RETURN", to(netfilter.Return))}}
	kube.Chains["IP-MASQ"].Rules = nil
	timed := nat(nil, nil)
	timed.Chains["IP-MASQ"] = ownChain(rule("-A IP-MASQ -m time -j RETURN", unclear("-m time"), to(netfilter.Return)))
	timed.Chains["IP-MASQ"].Name = "IP-MASQ"
	tests := []struct {
		name     string
		question Question
		tables   []*netfilter.Table
		want     string
	}{
		{"kept", ask("", "10.1.2.3"), []*netfilter.Table{nat(nil, nil)}, `10.1.2.3: keeps the pod's address (not masqueraded)
  because  10.0.0.0/8 contains it (kernel)
  rule     -A IP-MASQ -d 10.0.0.0/8 -j RETURN
  in       table ip nat, chain IP-MASQ
`},
		{"masqueraded", ask("", "8.8.8.8"), []*netfilter.Table{nat(nil, nil)}, `8.8.8.8: leaves with the node's address (masqueraded)
  because  no CIDR of the agent's rules contains it (kernel)
  rule     -A IP-MASQ -j MASQUERADE
  in       table ip nat, chain IP-MASQ
`},
		{"local", local, []*netfilter.Table{nat(nil, nil)}, `192.0.2.1: keeps the pod's address (not masqueraded)
  because  the destination is an address of this node, so packets do not pass the agent's rules (kernel)
`},
		{"no route", lost, []*netfilter.Table{nat(nil, nil)}, `8.8.8.8: leaves with the node's address (masqueraded)
  because  no CIDR of the agent's rules contains it (kernel)
  rule     -A IP-MASQ -j MASQUERADE
  in       table ip nat, chain IP-MASQ
  note     this node has no route to it
`},
		{"no jump", ask("", "8.8.8.8"), []*netfilter.Table{noJump}, `8.8.8.8: keeps the pod's address (not masqueraded)
  because  no rule of POSTROUTING jumps to chain IP-MASQ (kernel)
`},
		{"no hook", ask("", "8.8.8.8"), []*netfilter.Table{noHook}, `8.8.8.8: keeps the pod's address (not masqueraded)
  because  packets do not pass chain POSTROUTING, because it is not of type nat at the hook postrouting (kernel)
`},
		{"dormant", ask("", "8.8.8.8"), []*netfilter.Table{dormant}, `8.8.8.8: keeps the pod's address (not masqueraded)
  because  table ip nat is dormant, so none of its rules is in force (kernel)
`},
		{"no chain", ask("", "8.8.8.8"), nil, `8.8.8.8: keeps the pod's address (not masqueraded)
  because  neither chain IP-MASQ nor table ip-masq-agent exists (kernel)
`},
		{"empty chain", ask("", "8.8.8.8"), []*netfilter.Table{empty}, `8.8.8.8: keeps the pod's address (not masqueraded)
  because  no rule of chain IP-MASQ matches (kernel)
`},
		{"empty chain after kube-proxy's", ask("", "8.8.8.8"), []*netfilter.Table{kube}, `8.8.8.8: keeps the pod's address (not masqueraded)
  because  no rule of chain IP-MASQ matches (kernel)
`},
		{"another pod's rule", ask("10.244.1.6", "10.1.2.3"), []*netfilter.Table{nat(nil, []netfilter.Rule{pod})}, `10.1.2.3 from 10.244.1.6: keeps the pod's address (not masqueraded)
  because  10.0.0.0/8 contains it (kernel)
  rule     -A IP-MASQ -d 10.0.0.0/8 -j RETURN
  in       table ip nat, chain IP-MASQ
`},
		{"this pod's rule", ask("10.244.1.5", "10.1.2.3"), []*netfilter.Table{nat(nil, []netfilter.Rule{pod})}, `10.1.2.3 from 10.244.1.5: leaves with the node's address (masqueraded)
  because  a rule that is not the agent's decides (kernel)
  rule     -A POSTROUTING -s 10.244.1.5/32 -j MASQUERADE
  in       table ip nat, chain POSTROUTING
`},
		{"some pod's rule", ask("", "10.1.2.3"), []*netfilter.Table{nat(nil, []netfilter.Rule{pod})}, `10.1.2.3: cannot be told
  because  it depends on the source (use --source) (kernel)
  perhaps  masquerade: -A POSTROUTING -s 10.244.1.5/32 -j MASQUERADE
  in       table ip nat, chain POSTROUTING
  if       -s 10.244.1.5/32 (source)
  perhaps  keep: no rule
`},
		{"a condition in the chain", ask("", "8.8.8.8"), []*netfilter.Table{timed}, `8.8.8.8: cannot be told
  because  it depends on a condition that explain cannot evaluate (kernel)
  perhaps  masquerade: -A IP-MASQ -j MASQUERADE
  in       table ip nat, chain IP-MASQ
  perhaps  keep: no rule
  if       -m time (condition)
`},
		{"a later base chain", ask("", "10.1.2.3"), []*netfilter.Table{nat(nil, nil), firewalld}, `10.1.2.3: leaves with the node's address (masqueraded)
  because  a rule that is not the agent's decides (kernel)
  rule     add rule inet firewalld p masquerade
  in       table inet firewalld, chain p
`},
		{"accepted first", ask("", "8.8.8.8"), []*netfilter.Table{nat([]netfilter.Rule{rule("-A POSTROUTING -d 8.0.0.0/8 -j ACCEPT", dst("8.0.0.0/8"), to(netfilter.Accept))}, nil)}, `8.8.8.8: keeps the pod's address (not masqueraded)
  because  a rule that is not the agent's accepts the packet, or returns, before the packet reaches chain IP-MASQ (kernel)
  rule     -A POSTROUTING -d 8.0.0.0/8 -j ACCEPT
  in       table ip nat, chain POSTROUTING
`},
		{"SNAT", ask("", "8.8.8.8"), []*netfilter.Table{nat([]netfilter.Rule{rule("-A POSTROUTING -j SNAT --to-source 192.0.2.9", snat)}, nil)}, `8.8.8.8: leaves with the address 192.0.2.9 (SNAT)
  because  a rule that is not the agent's decides (kernel)
  rule     -A POSTROUTING -j SNAT --to-source 192.0.2.9
  in       table ip nat, chain POSTROUTING
`},
		{"SNAT with a map", ask("", "8.8.8.8"), []*netfilter.Table{nat([]netfilter.Rule{rule("add rule ip nat POSTROUTING snat to ip saddr map @m", netfilter.Verdict{Action: netfilter.SNAT})}, nil)}, `8.8.8.8: cannot be told
  because  it depends on the address that an SNAT rule takes from a map or another expression (kernel)
  perhaps  snat an address that is not known: add rule ip nat POSTROUTING snat to ip saddr map @m
  in       table ip nat, chain POSTROUTING
`},
		{"dropped", ask("", "8.8.8.8"), []*netfilter.Table{nat([]netfilter.Rule{rule("-A POSTROUTING -j DROP", to(netfilter.Drop))}, nil)}, `8.8.8.8: is dropped
  because  a rule that is not the agent's decides (kernel)
  rule     -A POSTROUTING -j DROP
  in       table ip nat, chain POSTROUTING
`},
		{"equal priority, one surely", ask("", "8.8.8.8"), []*netfilter.Table{nat(nil, nil), table(netfilter.OwnerNFTables, "ip", "virt", map[string]*netfilter.Chain{"g": base(100, rule("add rule ip virt g ip saddr 192.168.122.0/24 masquerade", src("192.168.122.0/24"), to(netfilter.Masquerade)))})}, `8.8.8.8: leaves with the node's address (masqueraded)
  because  no CIDR of the agent's rules contains it (kernel)
  rule     -A IP-MASQ -j MASQUERADE
  in       table ip nat, chain IP-MASQ
`},
		{"iptables-legacy", ask("", "10.1.2.3"), []*netfilter.Table{nat(nil, nil), table(netfilter.OwnerLegacy, "ip", "nat", map[string]*netfilter.Chain{"POSTROUTING": base(100, rule("-A POSTROUTING -j MASQUERADE", to(netfilter.Masquerade)))})},
			`10.1.2.3: leaves with the node's address (masqueraded)
  because  a rule that is not the agent's decides (kernel)
  rule     -A POSTROUTING -j MASQUERADE
  in       table ip nat of iptables-legacy, chain POSTROUTING
`},
		{"rules that were not read", ask("", "10.1.2.3"), []*netfilter.Table{nat(nil, nil), netfilter.Unread(netfilter.OwnerLegacy, netfilter.IPv4, errors.New("denied\n10.1.2.3: keeps"))}, `10.1.2.3: cannot be told
  because  it depends on rules that could not be read, and on the type of an address, and on the packet's header (kernel)
  perhaps  unknown: (not read: denied\n10.1.2.3: keeps)
  in       table ip nat of iptables-legacy, chain POSTROUTING
  perhaps  masquerade: -A IP-MASQ -j MASQUERADE
  in       table ip nat, chain IP-MASQ
  if       ! --dst-type LOCAL (address type)
`},
		{"another family's rules that were not read", ask("", "10.1.2.3"), []*netfilter.Table{nat(nil, nil), netfilter.Unread(netfilter.OwnerLegacy, netfilter.IPv6, errors.New("denied"))}, `10.1.2.3: keeps the pod's address (not masqueraded)
  because  10.0.0.0/8 contains it (kernel)
  rule     -A IP-MASQ -d 10.0.0.0/8 -j RETURN
  in       table ip nat, chain IP-MASQ
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ByKernel(tt.question, inKernel(tt.tables...))
			if diff := cmp.Diff(tt.want, written(t, got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestOwnTable tests the agent's table of the backend nftables.
func TestOwnTable(t *testing.T) {
	address := func(s string) []byte { return netip.MustParseAddr(s).AsSlice() }
	verdicts := netfilter.VerdictMap{
		Key: []netfilter.Operand{{Field: netfilter.NetworkHeader, Offset: 16, Length: 4}},
		Elements: []netfilter.Element{{Key: []netfilter.Range{{From: address("10.0.0.0"), To: address("10.255.255.255")}},
			Verdict: netfilter.Verdict{Action: netfilter.Goto, Chain: "kept"}}},
		Text: "ip daddr vmap @destinations",
	}
	own := table(netfilter.OwnerNFTables, "ip", "ip-masq-agent", map[string]*netfilter.Chain{
		"postrouting": base(105, rule("add rule ip ip-masq-agent postrouting ip daddr vmap @destinations", verdicts), rule("add rule ip ip-masq-agent postrouting masquerade", to(netfilter.Masquerade))),
		"kept":        {Rules: []netfilter.Rule{rule("add rule ip ip-masq-agent kept accept", to(netfilter.Accept))}},
	})
	for dst, want := range map[string]string{
		"10.1.2.3": "keep because 10.0.0.0/8 contains it: add rule ip ip-masq-agent kept accept",
		"8.8.8.8":  "masquerade because no CIDR of the agent's rules contains it: add rule ip ip-masq-agent postrouting masquerade",
	} {
		a := ByKernel(ask("", dst), inKernel(own))
		if got := string(a.Verdict) + " because " + a.Why + ": " + a.Rule; got != want {
			t.Errorf("%s: %q, want %q", dst, got, want)
		}
	}
}
