// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package predict

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
)

func rule(text string, steps ...netfilter.Step) netfilter.Rule {
	return netfilter.Rule{Text: text, Steps: steps}
}

func to(a netfilter.Action) netfilter.Verdict { return netfilter.Verdict{Action: a} }

func jump(chain string) netfilter.Verdict {
	return netfilter.Verdict{Action: netfilter.Jump, Chain: chain}
}

func dst(p string) netfilter.Condition {
	return netfilter.DestinationIn(netip.MustParsePrefix(p), false, "-d "+p)
}

// nat returns iptables' nat table with the agent's chain.
func nat(base bool, postrouting ...netfilter.Rule) *netfilter.Table {
	return &netfilter.Table{Owner: netfilter.OwnerNFTables, Family: "ip", Name: "nat", Chains: map[string]*netfilter.Chain{
		"POSTROUTING": {Name: "POSTROUTING", Base: base, Priority: 100, Rules: postrouting},
		"VIA":         {Name: "VIA", Rules: []netfilter.Rule{rule("-A VIA -j IP-MASQ", jump("IP-MASQ"))}},
		"IP-MASQ": {Name: "IP-MASQ", Rules: []netfilter.Rule{
			rule("-A IP-MASQ -d 10.0.0.0/8 -j RETURN", dst("10.0.0.0/8"), to(netfilter.Return)),
			rule("-A IP-MASQ -j MASQUERADE", to(netfilter.Masquerade)),
		}},
	}}
}

// TestDecide asks which rule decides about packets to 8.8.8.8 and to 10.1.2.3.
func TestDecide(t *testing.T) {
	own := rule("-A POSTROUTING -j IP-MASQ", jump("IP-MASQ"))
	accept := rule("-A POSTROUTING -j ACCEPT", to(netfilter.Accept))
	perhaps := rule("-A POSTROUTING -m time -j ACCEPT", netfilter.NotUnderstood("-m time"), to(netfilter.Accept))
	snat := rule("-A POSTROUTING -j SNAT", netfilter.Verdict{Action: netfilter.SNAT, To: netfilter.RangeOf(netip.MustParsePrefix("192.0.2.9/32"))})
	timed := nat(true, own)
	timed.Chains["IP-MASQ"].Rules = append([]netfilter.Rule{rule("-A IP-MASQ -m time -j RETURN", netfilter.NotUnderstood("-m time"), to(netfilter.Return))}, timed.Chains["IP-MASQ"].Rules...)
	gone := nat(true, rule("-A POSTROUTING -g EMPTY", netfilter.Verdict{Action: netfilter.Goto, Chain: "EMPTY"}), own)
	gone.Chains["EMPTY"] = &netfilter.Chain{Name: "EMPTY"}
	const masquerades, returns = "masquerade: -A IP-MASQ -j MASQUERADE", "keep: -A IP-MASQ -d 10.0.0.0/8 -j RETURN"
	tests := []struct {
		name     string
		table    *netfilter.Table
		out, in  string // to 8.8.8.8, to 10.1.2.3
		reaches  bool
		noHook   bool
		bypasses int // of packets to 8.8.8.8
	}{
		{name: "the agent's rules", table: nat(true, own), out: masquerades, in: returns, reaches: true},
		{name: "through another chain", table: nat(true, rule("-A POSTROUTING -j VIA", jump("VIA"))), out: masquerades, in: returns, reaches: true},
		{name: "no jump", table: nat(true), out: "keep: ", in: "keep: "},
		{name: "no hook", table: nat(false, own), out: "keep: ", in: "keep: ", noHook: true},
		{name: "ACCEPT before", table: nat(true, accept, own), out: "keep: -A POSTROUTING -j ACCEPT", in: "keep: -A POSTROUTING -j ACCEPT", reaches: true, bypasses: 1},
		{name: "ACCEPT, no jump", table: nat(true, accept), out: "keep: ", in: "keep: "},
		{name: "ACCEPT that may match", table: nat(true, perhaps, own), out: "unknown: ", in: returns, reaches: true, bypasses: 1},
		{name: "RETURN that may match", table: timed, out: "unknown: ", in: returns, reaches: true},
		{name: "goto a chain that ends", table: gone, out: "keep: -A POSTROUTING -g EMPTY", in: "keep: -A POSTROUTING -g EMPTY", reaches: true, bypasses: 1},
		{name: "SNAT before", table: nat(true, snat, own), out: "snat: -A POSTROUTING -j SNAT", in: "snat: -A POSTROUTING -j SNAT", reaches: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rules := New(netfilter.Ruleset{Tables: []*netfilter.Table{tt.table}}, "IP-MASQ")
			decide := func(destination string) Decision {
				return rules.Decide(Connection{Destination: netip.MustParseAddr(destination)}.Packet())
			}
			out, in := decide("8.8.8.8"), decide("10.1.2.3")
			got := []string{string(out.Fate()) + ": " + out.By.String(), string(in.Fate()) + ": " + in.By.String()}
			if diff := cmp.Diff([]string{tt.out, tt.in}, got); diff != "" {
				t.Errorf("decisions (-want +got):\n%s", diff)
			}
			if got := rules.Reaches(tt.table); got != tt.reaches {
				t.Errorf("Reaches() = %v", got)
			}
			if got := rules.NoHook(netfilter.IPv4) != nil; got != tt.noHook {
				t.Errorf("NoHook() returned a table: %v", got)
			}
			if got := len(rules.Bypasses(out.Result)); got != tt.bypasses {
				t.Errorf("%d bypasses, want %d", got, tt.bypasses)
			}
		})
	}
}

func TestReachesDormant(t *testing.T) {
	table := nat(true, rule("-A POSTROUTING -j IP-MASQ", jump("IP-MASQ")))
	table.Dormant = true
	if New(netfilter.Ruleset{Tables: []*netfilter.Table{table}}, "IP-MASQ").Reaches(table) {
		t.Error("packets reach the chain in a dormant table")
	}
}

func TestByFile(t *testing.T) {
	prefix := netip.MustParsePrefix
	chain := []iptables.Rule{
		{Destination: prefix("10.0.0.0/8"), Target: iptables.Return},
		{Source: prefix("10.4.0.0/14"), Target: iptables.Masquerade},
	}
	tests := []struct {
		source, destination string
		want                FileDecision
	}{
		{"10.4.0.1", "10.1.2.3", FileDecision{Fate: netfilter.Kept, Rule: &chain[0]}},
		{"10.4.0.1", "8.8.8.8", FileDecision{Fate: netfilter.Masqueraded, Rule: &chain[1]}},
		{"192.0.2.1", "8.8.8.8", FileDecision{Fate: netfilter.Kept, OutsideSources: true}},
		{"192.0.2.1", "10.1.2.3", FileDecision{Fate: netfilter.Kept, Rule: &chain[0], OutsideSources: true}},
	}
	for _, tt := range tests {
		got := ByFile(chain, netip.MustParseAddr(tt.source), netip.MustParseAddr(tt.destination))
		if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b iptables.Rule) bool { return a == b })); diff != "" {
			t.Errorf("%s to %s (-want +got):\n%s", tt.source, tt.destination, diff)
		}
	}
}

func TestPacket(t *testing.T) {
	eth0 := netfilter.Interface{Name: "eth0", Index: 2}
	source, destination := netip.MustParseAddr("10.4.0.1"), netip.MustParseAddr("192.0.2.1")
	got := []netfilter.Packet{
		Connection{Source: source, Destination: destination}.Packet(),
		Connection{Source: source, Destination: destination, Protocol: 6,
			SourceRoute: host.Route{Type: netfilter.TypeUnicast}, Route: host.Route{Type: netfilter.TypeLocal, Device: eth0}}.Packet(),
	}
	want := []netfilter.Packet{
		{Source: source, Destination: destination, SourceType: netfilter.TypeUnicast, DestinationType: netfilter.TypeUnicast},
		{Source: source, Destination: destination, SourceType: netfilter.TypeUnicast, DestinationType: netfilter.TypeLocal, Out: eth0, Protocol: 6},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
