// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/netfilter"
)

// TestParseRule sends packets through a rule as iptables-legacy prints it.
func TestParseRule(t *testing.T) {
	to := netfilter.Packet{Destination: netip.MustParseAddr("8.8.8.8"), DestinationType: netfilter.TypeUnicast}
	with := func(change func(*netfilter.Packet)) netfilter.Packet { p := to; change(&p); return p }
	from := func(s string) netfilter.Packet {
		return with(func(p *netfilter.Packet) { p.Source = netip.MustParseAddr(s) })
	}
	by := func(device string) netfilter.Packet {
		return with(func(p *netfilter.Packet) { p.Out.Name = device })
	}
	dst := func(s string) netfilter.Packet {
		return with(func(p *netfilter.Packet) { p.Destination = netip.MustParseAddr(s) })
	}
	udp := with(func(p *netfilter.Packet) { p.Protocol = 17 })
	local := with(func(p *netfilter.Packet) { p.DestinationType = netfilter.TypeLocal })
	tests := []struct {
		spec   string
		packet netfilter.Packet
		want   netfilter.Fate
	}{
		{"-j MASQUERADE", to, netfilter.Masqueraded},
		{"-j MASQUERADE --random", to, netfilter.Masqueraded},
		{"-d 8.0.0.0/8 -j MASQUERADE", to, netfilter.Masqueraded},
		{"-d 10.0.0.0/8 -j MASQUERADE", to, netfilter.Kept},
		{"! -d 10.0.0.0/8 -j MASQUERADE", to, netfilter.Masqueraded},
		{"! -d 10.0.0.0/8 -j MASQUERADE", dst("10.1.2.3"), netfilter.Kept},
		{"-d 8.0.8.0/255.0.255.0 -j MASQUERADE", to, netfilter.Masqueraded},
		{"-d 8.0.9.0/255.0.255.0 -j MASQUERADE", to, netfilter.Kept},
		{"-s 10.244.1.5/32 -j MASQUERADE", to, netfilter.Undetermined},
		{"-s 10.244.1.5/32 -j MASQUERADE", from("10.244.1.5"), netfilter.Masqueraded},
		{"! -s 10.244.1.5/32 -j MASQUERADE", from("10.244.1.5"), netfilter.Kept},
		{"-m addrtype ! --dst-type LOCAL -j MASQUERADE", to, netfilter.Masqueraded},
		{"-m addrtype ! --dst-type LOCAL -j MASQUERADE", local, netfilter.Kept},
		{"-m addrtype --dst-type UNICAST,LOCAL -j MASQUERADE", local, netfilter.Masqueraded},
		{"-m addrtype --dst-type LOCAL --limit-iface-out -j MASQUERADE", local, netfilter.Undetermined},
		{"-m mark --mark 0x4000/0x4000 -j MASQUERADE", to, netfilter.Kept},
		{"-m mark ! --mark 0x4000/0x4000 -j MASQUERADE", to, netfilter.Masqueraded},
		{"-m mark --mark 0x80/0x80 -j MASQUERADE", to, netfilter.Undetermined},
		{"-o docker0 -j MASQUERADE", by("eth0"), netfilter.Kept},
		{"! -o docker0 -j MASQUERADE", by("eth0"), netfilter.Masqueraded},
		{"-o eth+ -j MASQUERADE", by("eth0"), netfilter.Masqueraded},
		{"-o eth+ -j MASQUERADE", by("ens4"), netfilter.Kept},
		{"-o eth -j MASQUERADE", by("eth0"), netfilter.Kept},
		{"-o eth0 -j MASQUERADE", to, netfilter.Undetermined},
		{"-i eth0 -j MASQUERADE", by("eth0"), netfilter.Undetermined},
		{"-p udp -j MASQUERADE", udp, netfilter.Masqueraded},
		{"-p 6 -j MASQUERADE", udp, netfilter.Kept},
		{"-p udp -m udp --dport 53 -j MASQUERADE", udp, netfilter.Undetermined},
		{"-p tcp -m tcp --dport 53 -j MASQUERADE", udp, netfilter.Kept},
		{"-p nonsense -j MASQUERADE", udp, netfilter.Undetermined},
		{"-m statistic --mode random --probability 0.50000000000 -j MASQUERADE", to, netfilter.Undetermined},
		{"-m statistic --mode random --probability 0.00000000000 -j MASQUERADE", to, netfilter.Kept},
		{"-m statistic --mode random --probability 1.00000000000 -j MASQUERADE", to, netfilter.Masqueraded},
		{"-m statistic --mode nth --every 2 --packet 0 -j MASQUERADE", to, netfilter.Undetermined},
		{"-m set --match-set pools src -m set ! --match-set pools dst -j MASQUERADE", to, netfilter.Undetermined},
		{"-m conntrack --ctstate NEW -j MASQUERADE", to, netfilter.Undetermined},
		{"-m socket -j MASQUERADE", to, netfilter.Undetermined},
		{"-j SNAT --to-source 192.0.2.9:1024-2000 --random", to, netfilter.Translated},
		{"-j SNAT --to-source 192.0.2.1-192.0.2.9", to, netfilter.Translated},
		{"-j NETMAP --to 192.0.2.0/24", to, netfilter.Undetermined},
		{"-j DROP", to, netfilter.Dropped},
		{"-j ACCEPT", to, netfilter.Kept},
		{"-j LOG --log-prefix \"a -j MASQUERADE\"", to, netfilter.Kept},
		{"-g LEAVE", to, netfilter.Kept},
		{"-j LEAVE", to, netfilter.Masqueraded},
		{"-m comment --comment \"-d 10.0.0.0/8 -j ACCEPT\" -j MASQUERADE", to, netfilter.Masqueraded},
		{"-c 3 180 -j MASQUERADE", to, netfilter.Masqueraded},
		{"-m comment --comment \"open", to, netfilter.Undetermined},
	}
	for _, tt := range tests {
		t.Run(tt.spec, func(t *testing.T) {
			base := &netfilter.Chain{Name: postrouting, Base: true, Policy: netfilter.Accept, Rules: []netfilter.Rule{parseRule(netfilter.IPv4, postrouting, tt.spec)}}
			if tt.spec == "-j LEAVE" || tt.spec == "-g LEAVE" {
				base.Rules = append(base.Rules, parseRule(netfilter.IPv4, postrouting, "-j MASQUERADE"))
			}
			table := &netfilter.Table{Owner: netfilter.OwnerLegacy, Family: "ip", Name: natTable,
				Chains: map[string]*netfilter.Chain{postrouting: base, "LEAVE": {Name: "LEAVE"}}}
			if got := (netfilter.Ruleset{Tables: []*netfilter.Table{table}}).Walk(tt.packet).Fate(); got != tt.want {
				t.Errorf("%+v: %s, want %s", tt.packet, got, tt.want)
			}
		})
	}
}

// TestParseMark has marks that one rule sets and the next one asks for.
func TestParseMark(t *testing.T) {
	for set, want := range map[string]netfilter.Fate{
		"-j MARK --set-xmark 0x80/0xffffffff":   netfilter.Masqueraded,
		"-j MARK --set-xmark 0x80/0x80":         netfilter.Masqueraded,
		"-j MARK --set-xmark 0x0/0x80":          netfilter.Kept,
		"-j MARK --set-xmark 0x1/0x1":           netfilter.Undetermined,
		"-j CONNMARK --restore-mark":            netfilter.Undetermined,
		"-j CONNMARK --set-xmark 0x80/0x80":     netfilter.Undetermined,
		"-d 10.0.0.0/8 -j MARK --set-xmark 0x0": netfilter.Undetermined,
	} {
		base := &netfilter.Chain{Name: postrouting, Base: true, Policy: netfilter.Accept}
		for _, spec := range []string{set, "-m mark --mark 0x80/0x80 -j MASQUERADE"} {
			base.Rules = append(base.Rules, parseRule(netfilter.IPv4, postrouting, spec))
		}
		table := &netfilter.Table{Owner: netfilter.OwnerLegacy, Family: "ip", Name: natTable, Chains: map[string]*netfilter.Chain{postrouting: base}}
		packet := netfilter.Packet{Destination: netip.MustParseAddr("8.8.8.8")}
		if got := (netfilter.Ruleset{Tables: []*netfilter.Table{table}}).Walk(packet).Fate(); got != want {
			t.Errorf("after %q: %s, want %s", set, got, want)
		}
	}
}

// TestParsedText has what explain and doctor print: without counters, and with
// nothing that a terminal would obey.
func TestParsedText(t *testing.T) {
	for spec, want := range map[string]string{
		"-c 3 180 -d 10.0.0.0/8 -j RETURN":                "-A C -d 10.0.0.0/8 -j RETURN",
		"-m comment --comment \"a\x1b[2Jb\nc\" -j RETURN": `-A C -m comment --comment "a\x1b[2Jb\nc" -j RETURN`,
		"-m comment --comment \"\xff\u202e\" -j X":        `-A C -m comment --comment "\xff\u202e" -j X`,
	} {
		if diff := cmp.Diff(want, parseRule(netfilter.IPv4, "C", spec).Text); diff != "" {
			t.Errorf("%q (-want +got):\n%s", spec, diff)
		}
	}
}

// FuzzParseRule feeds rules as another program may have written them.
func FuzzParseRule(f *testing.F) {
	for _, seed := range []string{"", "!", "-m", "-j", "-c 1", `-m comment --comment "a" -d 10.0.0.0/8 -j RETURN`, "-s ::/0 -p 256", "-o +", "-m statistic --probability 2", "-j SNAT --to-source [::1]:1"} {
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, spec string, ipv6 bool) {
		family := netfilter.IPv4
		packet := netfilter.Packet{Destination: netip.MustParseAddr("8.8.8.8")}
		if ipv6 {
			family, packet.Destination = netfilter.IPv6, netip.MustParseAddr("2001:db8::1")
		}
		r := parseRule(family, postrouting, spec)
		base := &netfilter.Chain{Name: postrouting, Base: true, Policy: netfilter.Accept, Rules: []netfilter.Rule{r}}
		table := &netfilter.Table{Owner: netfilter.OwnerLegacy, Family: "inet", Name: natTable, Chains: map[string]*netfilter.Chain{postrouting: base}}
		if got := (netfilter.Ruleset{Tables: []*netfilter.Table{table}}).Walk(packet); len(got.Outcomes) == 0 {
			t.Errorf("%q has no outcome", spec)
		}
		if rule, ok := RuleOf(family, r); ok {
			_ = fmt.Sprint(rule)
		}
	})
}
