// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMatches(t *testing.T) {
	pod := netip.MustParseAddr("10.244.1.5")
	to := func(dst string) Packet { return Packet{Destination: netip.MustParseAddr(dst)} }
	packet := func(p Packet, change func(*Packet)) Packet { change(&p); return p }
	tests := []struct {
		spec   string
		packet Packet
		want   Answer
	}{
		{"-j MASQUERADE", to("8.8.8.8"), Yes},
		{"-d 10.0.0.0/8 -j RETURN", to("10.1.2.3"), Yes},
		{"-d 10.0.0.0/8 -j RETURN", to("11.1.2.3"), No},
		{"! -d 10.0.0.0/8 -j MASQUERADE", to("11.1.2.3"), Yes},
		{"! -d 10.0.0.0/8 -j MASQUERADE", to("10.1.2.3"), No},
		{"-s 10.244.1.5/32 -j CNI-1", to("8.8.8.8"), Maybe},
		{"! -s 10.244.1.5/32 -j CNI-1", to("8.8.8.8"), Maybe},
		{"-s 10.244.1.5/32 -j CNI-1", packet(to("8.8.8.8"), func(p *Packet) { p.Source = pod }), Yes},
		{"-s 10.244.1.6/32 -j CNI-1", packet(to("8.8.8.8"), func(p *Packet) { p.Source = pod }), No},
		{"-s 10.0.0.0/8 -d 11.0.0.0/8 -j X", to("8.8.8.8"), No}, // one No is enough
		{"-m addrtype ! --dst-type LOCAL -j IP-MASQ", to("8.8.8.8"), Yes},
		{"-m addrtype ! --dst-type LOCAL -j IP-MASQ", packet(to("8.8.8.8"), func(p *Packet) { p.Local = Yes }), No},
		{"-m addrtype ! --dst-type LOCAL -j IP-MASQ", packet(to("8.8.8.8"), func(p *Packet) { p.Local = Maybe }), Maybe},
		{"-m addrtype --dst-type UNICAST -j X", to("8.8.8.8"), Maybe},
		{"-m mark ! --mark 0x4000/0x4000 -j RETURN", to("8.8.8.8"), Yes},
		{"-m mark --mark 0x4000/0x4000 -j X", to("8.8.8.8"), No},
		{"-m mark --mark 0x0/0x4000 -j X", to("8.8.8.8"), Yes},
		{"! -o docker0 -j X", packet(to("8.8.8.8"), func(p *Packet) { p.Out = "eth0" }), Yes},
		{"-o eth+ -j X", packet(to("8.8.8.8"), func(p *Packet) { p.Out = "eth0" }), Yes},
		{"-o eth+ -j X", packet(to("8.8.8.8"), func(p *Packet) { p.Out = "ens4" }), No},
		{"-o eth0 -j X", to("8.8.8.8"), Maybe},
		{"-p 6 -j X", packet(to("8.8.8.8"), func(p *Packet) { p.Protocol = "tcp" }), Yes},
		{"-p udp -j X", packet(to("8.8.8.8"), func(p *Packet) { p.Protocol = "tcp" }), No},
		{"-p udp -m udp --dport 53 -j X", to("8.8.8.8"), Maybe},
		{"-m set --match-set pools src -m set ! --match-set pools dst -j MASQUERADE", to("8.8.8.8"), Maybe},
		{"-d 10.0.0.1/255.0.255.0 -j X", to("8.8.8.8"), Maybe},
		{`-m comment --comment "! -d 10.0.0.0/8 -j X" -j Y`, to("10.0.0.1"), Yes},
		{`-m comment --comment "open`, to("8.8.8.8"), Maybe},
	}
	for _, tt := range tests {
		if got := parseEntry("POSTROUTING", tt.spec).Matches(tt.packet); got != tt.want {
			t.Errorf("%q and %+v: %d, want %d", tt.spec, tt.packet, got, tt.want)
		}
	}
}

func TestParseEntry(t *testing.T) {
	type parsed struct {
		comment, target, conditions string
		isGoto, ours                bool
		unknown                     []string
	}
	tests := []struct {
		spec string
		want parsed
	}{
		{`-d 10.0.0.0/8 -m comment --comment "a b" -j RETURN`, parsed{comment: "a b", target: "RETURN", conditions: "-d 10.0.0.0/8", ours: true}},
		{`-m comment --comment -j -j IP-MASQ`, parsed{comment: "-j", target: "IP-MASQ", ours: true}},
		{`-g IP-MASQ`, parsed{target: "IP-MASQ", isGoto: true}},
		{`-s 10.0.0.0/8 -m set ! --match-set a src,dst -j SNAT --to-source 192.0.2.1`,
			parsed{target: "SNAT", conditions: "-s 10.0.0.0/8 ! --match-set a src,dst", unknown: []string{"! --match-set a src,dst"}}},
		{`-p tcp`, parsed{conditions: "-p tcp", ours: true}},
	}
	for _, tt := range tests {
		e := parseEntry("C", tt.spec)
		got := parsed{e.Comment, e.Target, e.Conditions(), e.Goto, e.Ours, e.Unknown()}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(parsed{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.spec, diff)
		}
	}
}

func TestDifferences(t *testing.T) {
	const last = "-A IP-MASQ -m comment --comment last -j MASQUERADE --random-fully\n"
	const local = "-A IP-MASQ -d 10.0.0.0/8 -m comment --comment local -j RETURN\n"
	tests := []struct {
		name, have string
		want       []string
	}{
		{"the same", local + last, nil},
		{"missing", last, []string{`- -A IP-MASQ -m comment --comment "local" -d 10.0.0.0/8 -j RETURN`}},
		{"too much", local + "-A IP-MASQ -s 10.0.0.1/32 -j ACCEPT\n" + last, []string{"+ -A IP-MASQ -s 10.0.0.1/32 -j ACCEPT"}},
		{"twice", local + local + last, []string{"+ -A IP-MASQ -d 10.0.0.0/8 -m comment --comment local -j RETURN"}},
		{"order", last + local, []string{"the rules are in another order"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := page().Differences(ParseListing("IP-MASQ", "-N IP-MASQ\n"+tt.have))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
