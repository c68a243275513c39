// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ip-masq-agent/pkg/netfilter"
)

// in is the condition that an operand is in a range.
func in(text string, o netfilter.Operand, from, to []byte) netfilter.Condition {
	o.Length = len(from)
	return netfilter.Condition{Text: text, Key: []netfilter.Operand{o}, Elements: []netfilter.Element{{Key: []netfilter.Range{{From: from, To: to}}}}}
}

func not(c netfilter.Condition) netfilter.Condition {
	c.Negated = true
	return c
}

// TestParseConditions has the steps of matches as iptables prints them.
func TestParseConditions(t *testing.T) {
	header := func(offset int) netfilter.Operand {
		return netfilter.Operand{Field: netfilter.NetworkHeader, Offset: offset}
	}
	protocol, device, mark := netfilter.Operand{Field: netfilter.L4Proto}, netfilter.Operand{Field: netfilter.OutName}, netfilter.Operand{Field: netfilter.Mark}
	dstType, srcType := netfilter.Operand{Field: netfilter.DestinationType}, netfilter.Operand{Field: netfilter.SourceType}
	random := netfilter.Operand{Field: netfilter.Random, High: 0x7fffffff}
	holed := header(16)
	holed.Mask = []byte{255, 0, 255, 0}
	maskedMark := mark
	maskedMark.Mask = []byte{0, 0, 0x40, 0}
	unknown := func(texts ...string) []netfilter.Step {
		var out []netfilter.Step
		for _, text := range texts {
			out = append(out, netfilter.NotUnderstood(text))
		}
		return out
	}
	one := func(text string, o netfilter.Operand, b ...byte) []netfilter.Step {
		return []netfilter.Step{in(text, o, b, b)}
	}
	name := func(s string) []byte { return []byte(s + strings.Repeat("\x00", 16-len(s))) }
	types := func(text string, o netfilter.Operand, numbers ...byte) []netfilter.Step {
		c := in(text, o, []byte{0, 0, 0, numbers[0]}, []byte{0, 0, 0, numbers[0]})
		for _, n := range numbers[1:] {
			c.Elements = append(c.Elements, netfilter.Element{Key: []netfilter.Range{{From: []byte{0, 0, 0, n}, To: []byte{0, 0, 0, n}}}})
		}
		return []netfilter.Step{c}
	}
	never := in("-m statistic --probability 0.00000000000", random, []byte{0, 0, 0, 0}, nil)
	never.Elements = nil
	tests := []struct {
		spec string
		want []netfilter.Step
	}{
		{"-s 10.1.2.3", one("-s 10.1.2.3", header(12), 10, 1, 2, 3)},
		{"-d 10.0.0.0/8", []netfilter.Step{in("-d 10.0.0.0/8", header(16), []byte{10, 0, 0, 0}, []byte{10, 255, 255, 255})}},
		{"! -d 10.0.0.0/8", []netfilter.Step{not(in("! -d 10.0.0.0/8", header(16), []byte{10, 0, 0, 0}, []byte{10, 255, 255, 255}))}},
		{"-d 0.0.0.0/0", []netfilter.Step{in("-d 0.0.0.0/0", header(16), []byte{0, 0, 0, 0}, []byte{255, 255, 255, 255})}},
		{"-d 10.1.2.3/32", one("-d 10.1.2.3/32", header(16), 10, 1, 2, 3)},
		{"-d 10.1.2.3/255.0.255.0", one("-d 10.1.2.3/255.0.255.0", holed, 10, 0, 2, 0)},
		{"-d 10.1.2.3/33", unknown("-d 10.1.2.3/33")},
		{"-d 10.1.2.3/-1", unknown("-d 10.1.2.3/-1")},
		{"-d 10.1.2.3/ffff::", unknown("-d 10.1.2.3/ffff::")},
		{"-d 10.1.2.3/x", unknown("-d 10.1.2.3/x")},
		{"-d fd00::/8", unknown("-d fd00::/8")}, // of the other family
		{"-d host", unknown("-d host")},
		{"-o eth0", one("-o eth0", device, name("eth0")...)},
		{"-o eth+", one("-o eth+", device, 'e', 't', 'h')},
		{"-o fifteen-letters", one("-o fifteen-letters", device, name("fifteen-letters")...)},
		{"-o sixteen--letters", unknown("-o sixteen--letters")},
		{"-o sixteen--letters+", unknown("-o sixteen--letters+")},
		{"-o +", unknown("-o +")},
		{`-o ""`, unknown("-o ")},
		{"-i eth0", unknown("-i eth0")},
		{"-p tcp", one("-p tcp", protocol, 6)}, {"-p udp", one("-p udp", protocol, 17)}, {"-p sctp", one("-p sctp", protocol, 132)},
		{"-p icmp", one("-p icmp", protocol, 1)}, {"-p ipv6-icmp", one("-p ipv6-icmp", protocol, 58)}, {"-p icmpv6", one("-p icmpv6", protocol, 58)},
		{"-p gre", one("-p gre", protocol, 47)}, {"-p esp", one("-p esp", protocol, 50)}, {"-p ah", one("-p ah", protocol, 51)},
		{"-p ipip", one("-p ipip", protocol, 94)}, {"-p udplite", one("-p udplite", protocol, 136)},
		{"-p 89", one("-p 89", protocol, 89)}, {"-p 1", one("-p 1", protocol, 1)}, {"-p 255", one("-p 255", protocol, 255)},
		{"-p 0", unknown("-p 0")}, {"-p 256", unknown("-p 256")}, {"-p ospf", unknown("-p ospf")},
		{"-m addrtype --dst-type UNICAST", types("-m addrtype --dst-type UNICAST", dstType, 1)},
		{"-m addrtype --src-type UNSPEC,LOCAL,BROADCAST", types("-m addrtype --src-type UNSPEC,LOCAL,BROADCAST", srcType, 0, 2, 3)},
		{"-m addrtype --dst-type LOCAL,FOREIGN", unknown("-m addrtype --dst-type LOCAL,FOREIGN")},
		{"-m mark --mark 0x4000/0x4000", one("-m mark --mark 0x4000/0x4000", maskedMark, 0, 0, 0x40, 0)},
		{"-m mark --mark 0x10", one("-m mark --mark 0x10", mark, 0, 0, 0, 0x10)},
		{"-m mark --mark 16/0xffffffff", one("-m mark --mark 16/0xffffffff", mark, 0, 0, 0, 16)},
		{"-m mark --mark x", unknown("-m mark --mark x")},
		{"-m mark --mark x/1", unknown("-m mark --mark x/1")},
		{"-m mark --mark 1/x", unknown("-m mark --mark 1/x")},
		{"-m mark --mark 0x100000000", unknown("-m mark --mark 0x100000000")},
		{"-m mark --mark 1/0x100000000", unknown("-m mark --mark 1/0x100000000")},
		{"-m statistic --mode random --probability 0.50000000000", []netfilter.Step{
			in("-m statistic --probability 0.50000000000", random, []byte{0, 0, 0, 0}, []byte{0x3f, 0xff, 0xff, 0xff})}},
		{"-m statistic --mode random --probability 1.00000000000", []netfilter.Step{
			in("-m statistic --probability 1.00000000000", random, []byte{0, 0, 0, 0}, []byte{0x7f, 0xff, 0xff, 0xff})}},
		{"-m statistic --mode random --probability 0.00000000000", []netfilter.Step{never}},
		{"-m statistic --probability -0.1", unknown("-m statistic --probability -0.1")},
		{"-m statistic --probability 1.1", unknown("-m statistic --probability 1.1")},
		{"-m statistic --probability x", unknown("-m statistic --probability x")},
		{"-m statistic --mode nth --every 3", unknown("-m statistic --mode nth", "-m statistic --every 3")},
		{"--mode random x", unknown("--mode random x")},
		{"--other random", unknown("--other random")},
		{"--mode", unknown("--mode")},
		{"-m unclean", unknown("-m unclean")}, {"-m socket", unknown("-m socket")}, {"-m rpfilter", unknown("-m rpfilter")},
		{"-m set ! --match-set a src", unknown("-m set ! --match-set a src")},
		{"-m tcp -s 10.1.2.3", one("-s 10.1.2.3", header(12), 10, 1, 2, 3)},
		{"-m u32 --u32 -1 ! --every 3", append(unknown("-m u32 --u32 -1"), not(netfilter.NotUnderstood("-m u32 ! --every 3")))},
		{"--a -0 -9 -: -/ - x", unknown("--a -0 -9", "-:", "-/ - x")},
		{"-m x --a \"b\x1bc\"", unknown(`-m x --a b\x1bc`)},
	}
	for _, tt := range tests {
		t.Run(tt.spec, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, parseRule(netfilter.IPv4, "C", tt.spec).Steps, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestParseTargets has the steps of targets, and what belongs to no step.
func TestParseTargets(t *testing.T) {
	verdict := func(a netfilter.Action) []netfilter.Step { return []netfilter.Step{netfilter.Verdict{Action: a}} }
	snat := func(from, to string) []netfilter.Step {
		return []netfilter.Step{netfilter.Verdict{Action: netfilter.SNAT, To: netfilter.AddressRange{From: netip.MustParseAddr(from), To: netip.MustParseAddr(to)}}}
	}
	setMark := func(o netfilter.Operand) []netfilter.Step {
		o.Length = 4
		return []netfilter.Step{netfilter.SetMark{To: o}}
	}
	masquerade := func(v netfilter.Verdict) []netfilter.Step {
		v.Action = netfilter.Masquerade
		return []netfilter.Step{v}
	}
	tests := map[string][]netfilter.Step{
		"ACCEPT": verdict(netfilter.Accept), "DROP": verdict(netfilter.Drop), "RETURN": verdict(netfilter.Return),
		"MASQUERADE":                                       masquerade(netfilter.Verdict{}),
		"MASQUERADE --random-fully":                        masquerade(netfilter.Verdict{RandomFully: true}),
		"MASQUERADE --to-ports 1024-2000":                  masquerade(netfilter.Verdict{Ports: netfilter.PortRange{From: 1024, To: 2000}}),
		"MASQUERADE --to-ports 7 --random-fully":           masquerade(netfilter.Verdict{Ports: netfilter.PortRange{From: 7, To: 7}, RandomFully: true}),
		"MASQUERADE --random --to-ports 7":                 masquerade(netfilter.Verdict{Options: "--random --to-ports 7"}),
		"MASQUERADE --to-ports":                            masquerade(netfilter.Verdict{Options: "--to-ports"}),
		"MASQUERADE --random-fully --persistent":           masquerade(netfilter.Verdict{RandomFully: true, Options: "--persistent"}),
		"SNAT":                                             verdict(netfilter.SNAT),
		"SNAT --to-source":                                 verdict(netfilter.SNAT),
		"SNAT --to-source x":                               verdict(netfilter.SNAT),
		"SNAT --to-source 192.0.2.1-x":                     verdict(netfilter.SNAT),
		"SNAT --to-source x-192.0.2.1":                     verdict(netfilter.SNAT),
		"SNAT --to-source 192.0.2.1":                       snat("192.0.2.1", "192.0.2.1"),
		"SNAT --random --to-source 192.0.2.1":              snat("192.0.2.1", "192.0.2.1"),
		"SNAT --to-source 192.0.2.1-192.0.2.9:1-2":         snat("192.0.2.1", "192.0.2.9"),
		"SNAT --to-source [2001:db8::1-2001:db8::9]:1":     snat("2001:db8::1", "2001:db8::9"),
		"SNAT --to-source 2001:db8::1":                     snat("2001:db8::1", "2001:db8::1"),
		"SNAT --to-source 192.0.2.1 --to-source 192.0.2.2": verdict(netfilter.SNAT),
		"MARK --set-xmark 0x80/0xf0":                       setMark(netfilter.Operand{Field: netfilter.Mark, Mask: []byte{0xff, 0xff, 0xff, 0x0f}, Xor: []byte{0, 0, 0, 0x80}}),
		"MARK --set-xmark x":                               setMark(netfilter.Operand{Field: netfilter.Opaque}),
		"MARK --set-xmark":                                 setMark(netfilter.Operand{Field: netfilter.Opaque}),
		"MARK --set-xmark 1 --more":                        setMark(netfilter.Operand{Field: netfilter.Opaque}),
		"MARK --other 1":                                   setMark(netfilter.Operand{Field: netfilter.Opaque}),
		"CONNMARK --restore-mark --nfmask 0x1":             setMark(netfilter.Operand{Field: netfilter.Opaque}),
		"CONNMARK --save-mark":                             verdict(netfilter.Continue),
		"REDIRECT":                                         {netfilter.Verdict{Action: netfilter.Other, Name: "REDIRECT"}},
		"KUBE-POSTROUTING":                                 {netfilter.Verdict{Action: netfilter.Jump, Chain: "KUBE-POSTROUTING"}},
	}
	for _, harmless := range []string{"LOG", "NFLOG", "TRACE", "SET", "CLASSIFY", "DSCP", "TOS", "TTL", "HL", "ECN", "CHECKSUM", "TCPMSS", "TCPOPTSTRIP",
		"CONNSECMARK", "SECMARK", "AUDIT", "IDLETIMER", "LED", "RATEEST", "TEE"} {
		tests[harmless] = verdict(netfilter.Continue)
	}
	for spec, want := range tests {
		if diff := cmp.Diff(want, parseRule(netfilter.IPv4, "C", "-j "+spec).Steps, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("-j %s (-want +got):\n%s", spec, diff)
		}
	}
	if got := parseRule(netfilter.IPv4, "C", "-g A").Steps; len(got) != 1 || got[0] != (netfilter.Verdict{Action: netfilter.Goto, Chain: "A"}) {
		t.Errorf("-g A: %+v", got)
	}
	if got := parseRule(netfilter.IPv4, "C", "-m comment --comment \"a b").Steps; len(got) != 2 {
		t.Errorf("of a rule with an open quote: %+v", got)
	}
}

// TestParseCounters: counters stand before a rule or, after some targets, behind it.
func TestParseCounters(t *testing.T) {
	for spec, want := range map[string]netfilter.Count{
		"-j RETURN":                             {},
		"-c 3 180 -j RETURN":                    {Packets: 3, Bytes: 180},
		"-c 18446744073709551615 9 -j RETURN":   {Packets: 18446744073709551615, Bytes: 9},
		"-c 3 18446744073709551615 -j RETURN":   {Packets: 3, Bytes: 18446744073709551615},
		"-c 31 180 -j RETURN":                   {Packets: 31, Bytes: 180},
		"-j RETURN -c 3 180":                    {Packets: 3, Bytes: 180},
		"-j MASQUERADE --random-fully -c 3 180": {Packets: 3, Bytes: 180},
	} {
		r := parseRule(netfilter.IPv4, "C", spec)
		if r.Count != want {
			t.Errorf("%s counted %+v, want %+v", spec, r.Count, want)
		}
		if v, ok := r.Steps[len(r.Steps)-1].(netfilter.Verdict); !ok || v.Options != "" || len(r.Steps) != 1 {
			t.Errorf("%s has the steps %+v", spec, r.Steps)
		}
	}
	if got := parseRule(netfilter.IPv4, "C", "-j MASQUERADE -c 3").Steps[0]; got != (netfilter.Verdict{Action: netfilter.Masquerade, Options: "-c 3"}) {
		t.Errorf("half of the counters: %+v", got)
	}
}
