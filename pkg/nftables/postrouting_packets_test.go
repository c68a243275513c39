// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"io"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestPacketsAgree sends a connection from a pod through the node to the world,
// and compares the source address that arrives with what the rules say.
func TestPacketsAgree(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		netns.Require(t, "nft")
		node, pod, world := netns.Here(t), netns.New(t), netns.New(t)
		node.Forward(t)
		netns.Connect(t, node, "pod0", pod, "eth0")
		netns.Connect(t, node, "eth0", world, "eth0")
		node.Address(t, "pod0", "10.1.0.1/24", "fd00:1::1/64")
		pod.Address(t, "eth0", "10.1.0.2/24", "fd00:1::2/64")
		node.Address(t, "eth0", "10.2.0.1/24", "fd00:2::1/64")
		world.Address(t, "eth0", "10.2.0.2/24", "fd00:2::2/64")
		for _, ns := range []struct {
			*netns.NS
			v4, v6 string
		}{{pod, "10.1.0.1", "fd00:1::1"}, {world, "10.2.0.1", "fd00:2::1"}} {
			ns.Route(t, "default", ns.v4)
			ns.Route(t, "default", ns.v6)
		}
		netns.Serve(t, world, "10.2.0.2:80")
		netns.Serve(t, world, "[fd00:2::2]:80")

		for _, tt := range append(packetTests, iptablesPacketTests...) {
			t.Run(tt.name, func(t *testing.T) {
				if out, err := exec.Command("nft", "flush", "ruleset").CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				rules, compat := tt.rules, ""
				if strings.Contains(rules, "-A POSTROUTING") {
					rules, compat = "table inet none { }", "*nat\n"+rules+"\nCOMMIT\n"
				}
				if !strings.Contains(rules, "table") {
					rules = "table inet t { chain p { type nat hook postrouting priority 100; " + rules + "; }; }"
				}
				// Chains of type nat see packets only where connections are
				// tracked, which other rules may or may not ask for.
				netns.NFTOrSkip(t, "table inet track { chain c { type filter hook prerouting priority 0; ct state new; }; }\n"+rules)
				if compat != "" {
					netns.Restore(t, "iptables-nft", "IPv4", compat)
				}
				rs, err := open(t).Postrouting()
				if err != nil {
					t.Fatal(err)
				}
				check := func(p netfilter.Packet, node netip.Addr, want string) {
					t.Helper()
					if want == "" {
						return
					}
					if got := meaning(rs.Walk(p), p.Source, node); got != want {
						t.Errorf("the rules say %s, want %s", got, want)
					}
					if got := connect(t, pod, netip.AddrPortFrom(p.Destination, 80), want == "drop"); got != want {
						t.Errorf("the packet came from %s, want %s", got, want)
					}
				}
				p := netfilter.Packet{DestinationType: netfilter.TypeUnicast, SourceType: netfilter.TypeUnicast, Out: netfilter.Interface{Name: "eth0"}, Protocol: 6}
				p.Source, p.Destination = netip.MustParseAddr("10.1.0.2"), netip.MustParseAddr("10.2.0.2")
				check(p, netip.MustParseAddr("10.2.0.1"), tt.v4)
				p.Source, p.Destination = netip.MustParseAddr("fd00:1::2"), netip.MustParseAddr("fd00:2::2")
				check(p, netip.MustParseAddr("fd00:2::1"), tt.v6)
			})
		}
	})
}

// meaning returns what becomes of the source address: keep, masquerade, drop,
// another address, or unknown.
func meaning(r netfilter.Result, pod, node netip.Addr) string {
	switch f := r.Fate(); f {
	case netfilter.Kept:
		return "keep"
	case netfilter.Masqueraded:
		return "masquerade"
	case netfilter.Translated:
		return r.Outcomes[0].To.From.String()
	default:
		return string(f)
	}
}

// connect returns the same of a real connection.
func connect(t *testing.T, pod *netns.NS, to netip.AddrPort, drops bool) string {
	t.Helper()
	timeout := 2 * time.Minute
	if drops {
		timeout = 300 * time.Millisecond
	}
	var seen []byte
	err := pod.Do(func() error {
		c, err := net.DialTimeout("tcp", to.String(), timeout)
		if err != nil {
			return err
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(timeout))
		seen, err = io.ReadAll(c)
		return err
	})
	if err, ok := err.(net.Error); ok && err.Timeout() {
		return "drop"
	}
	if err != nil {
		t.Fatal(err)
	}
	switch a := netip.MustParseAddrPort(string(seen)).Addr(); a.String() {
	case "10.1.0.2", "fd00:1::2":
		return "keep"
	case "10.2.0.1", "fd00:2::1":
		return "masquerade"
	default:
		return a.String()
	}
}

// packetTests have rules of a base chain in an inet table, or whole tables.
var packetTests = []struct{ name, rules, v4, v6 string }{
	{"nothing", "", "keep", "keep"},
	{"masquerade", "masquerade", "masquerade", "masquerade"},
	{"one family", "meta nfproto ipv6 masquerade", "keep", "masquerade"},
	{"ethertype", "meta protocol ip masquerade", "masquerade", "keep"},
	{"snat", "snat ip to 10.9.9.9", "10.9.9.9", "keep"},
	{"snat of the other family goes on", "snat ip to 10.9.9.9; masquerade", "10.9.9.9", "masquerade"},
	{"prefix of whole bytes", "ip daddr 10.0.0.0/8 masquerade; ip6 daddr fd00::/16 masquerade", "masquerade", "masquerade"},
	{"any prefix", "ip daddr 10.2.0.0/15 masquerade; ip6 daddr fd00:4::/33 masquerade", "masquerade", "keep"},
	{"source and destination in one load", "ip saddr 10.1.0.2 ip daddr 10.2.0.2 masquerade; ip6 saddr fd00:1::2 ip6 daddr fd00:2::3 masquerade", "masquerade", "keep"},
	{"range", "ip daddr 10.2.0.0-10.2.0.2 masquerade; ip6 daddr fd00:2::3-fd00:2::9 masquerade", "masquerade", "keep"},
	{"not in a range", "ip daddr != 10.2.0.0-10.2.0.2 masquerade", "keep", "keep"},
	{"greater", "ip daddr > 10.2.0.1 masquerade", "masquerade", "keep"},
	{"less", "ip daddr < 10.2.0.2 masquerade", "keep", "keep"},
	{"mask", "ip daddr & 0.0.0.3 == 2 masquerade", "masquerade", "keep"},
	{"anonymous set", "ip daddr { 10.2.0.1, 10.2.0.2 } masquerade", "masquerade", "keep"},
	{"anonymous intervals", "ip daddr { 10.0.0.0-10.1.255.255, 10.3.0.0/16 } masquerade; ip6 daddr { fd00::/16, fe80::/10 } masquerade", "keep", "masquerade"},
	{"not in a set", "ip daddr != { 10.0.0.0/16, 10.3.0.0/16 } masquerade", "masquerade", "keep"},
	{"the highest interval", "ip daddr { 10.2.0.0-255.255.255.255 } masquerade", "masquerade", "keep"},
	{"the lowest interval", "ip daddr { 0.0.0.0-10.2.0.1 } masquerade", "keep", "keep"},
	{"adjacent intervals with verdicts", "ip daddr vmap { 10.0.0.0-10.2.0.1 : accept, 10.2.0.2-10.2.0.2 : continue, 10.2.0.3-10.255.255.255 : accept }; masquerade", "", "masquerade"},
	{"protocol", "meta l4proto tcp masquerade", "masquerade", "masquerade"},
	{"protocol of the header", "ip protocol tcp masquerade", "masquerade", "keep"},
	{"device", `oifname "eth0" masquerade`, "masquerade", "masquerade"},
	{"device that begins so", `oifname "et*" masquerade`, "masquerade", "masquerade"},
	{"device, not", `oifname != "eth0" masquerade`, "keep", "keep"},
	{"devices", `oifname { "et*", "wg0" } masquerade`, "masquerade", "masquerade"},
	{"device and address", `oifname . ip daddr { "eth0" . 10.2.0.2 } masquerade`, "masquerade", "keep"},
	{"concatenated intervals", "ip saddr . ip daddr { 10.1.0.0/24 . 10.2.0.2-10.2.0.9 } masquerade", "masquerade", "keep"},
	{"concatenated with a protocol", "ip daddr . meta l4proto { 10.2.0.2 . tcp } masquerade", "masquerade", "keep"},
	{"type", "fib daddr type local accept; masquerade", "masquerade", "masquerade"},
	{"types", "fib daddr type { local, unicast } accept; masquerade", "keep", "keep"},
	{"type of the source", "fib saddr type != local masquerade", "masquerade", "masquerade"},
	{"mark that was set", "meta mark set 0x12; meta mark 0x12 masquerade", "masquerade", "masquerade"},
	{"mark as a number", "meta mark set 0x01000002; meta mark > 0x01000001 masquerade", "masquerade", "masquerade"},
	{"mark in an interval", "meta mark set 0x100; meta mark { 0x1-0xff, 0x200-0x300 } masquerade", "keep", "keep"},
	{"bits of the mark", "meta mark set 0x0; meta mark set mark or 0x4000; meta mark and 0x4000 == 0x4000 masquerade", "masquerade", "masquerade"},
	{
		"random numbers that agree",
		`table inet t {
			chain m { masquerade; }
			chain p { type nat hook postrouting priority 100; numgen random mod 4 vmap { 0-1 : goto m, 2-3 : goto m }; }
		}`, "masquerade", "masquerade",
	},
	{"all random numbers", "numgen random mod 10 < 9 masquerade; masquerade", "masquerade", "masquerade"},
	{"policy", "policy drop; accept", "keep", "keep"},
	{"policy of drop", "policy drop", "drop", ""},
	{"header rewritten, source translated", "ip dscp set cs1; masquerade", "masquerade", "masquerade"},
	{"a map of addresses", "snat ip to ip saddr map { 10.1.0.3 : 10.9.9.9 }; masquerade", "masquerade", "masquerade"},
	{
		"chains",
		`table ip t {
			chain ret { return; }
			chain acc { accept; }
			chain go { goto ret; }
			chain p { type nat hook postrouting priority 100; jump ret; jump go; ip daddr 10.3.0.0/16 goto acc; masquerade; }
		}`, "masquerade", "keep",
	},
	{
		"goto ends the base chain",
		`table ip t { chain e { ip daddr 10.3.0.1 accept; }; chain p { type nat hook postrouting priority 100; goto e; masquerade; }; }`, "keep", "keep",
	},
	{
		"accept ends one base chain",
		`table ip a { chain p { type nat hook postrouting priority 90; accept; }; }
		table inet b { chain p { type nat hook postrouting priority 110; masquerade; }; }`, "masquerade", "masquerade",
	},
	{
		"priorities",
		`table ip a { chain p { type nat hook postrouting priority 300; masquerade; }; }
		table inet b { chain p { type nat hook postrouting priority -150; snat ip to 10.9.9.9; }; }`, "10.9.9.9", "keep",
	},
	{
		"two base chains of one priority",
		`table ip a { chain p { type nat hook postrouting priority 100; accept; }; }
		table ip b { chain p { type nat hook postrouting priority 100; masquerade; }; }`, "masquerade", "keep",
	},
	{
		"dormant",
		`table ip a { flags dormant; chain p { type nat hook postrouting priority 100; masquerade; }; }`, "keep", "keep",
	},
	{
		"verdict map with a catch-all",
		`table ip a {
			map m { type ipv4_addr : verdict; flags interval; elements = { 10.2.0.0/24 : jump keep, 10.3.0.0/16 : accept, * : goto masq } }
			chain keep { accept; }
			chain masq { masquerade; }
			chain p { type nat hook postrouting priority 100; ip saddr vmap @m; }
		}`, "masquerade", "keep",
	},
	{
		"set with a catch-all",
		`table ip a {
			set s { type ipv4_addr; flags interval; elements = { 10.3.0.0/16, * } }
			chain p { type nat hook postrouting priority 100; ip daddr @s masquerade; }
		}`, "masquerade", "keep",
	},
	{
		"another hook and another type",
		`table ip a {
			chain in { type nat hook input priority 100; accept; }
			chain f { type filter hook postrouting priority 100; accept; }
			chain p { type nat hook postrouting priority 100; masquerade; }
		}`, "masquerade", "keep",
	},
}
