// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"os/exec"
	"strings"
	"testing"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestNative has rules of nft. One is native if iptables-nft cannot list it, or
// prints something else than the rule does.
func TestNative(t *testing.T) {
	tests := []struct {
		rule, text string
		native     bool
	}{
		{"ip daddr 10.0.0.0/8 counter return", "-A A -d 10.0.0.0/8 -j RETURN", false},
		{`ip daddr 10.0.0.0/8 counter return comment "x"`, `add rule ip nat A ip daddr 10.0.0.0/8 counter return comment "x"`, true},
		{"ip daddr 10.0.0.1-10.0.0.9 return", "add rule ip nat A ip daddr 10.0.0.1-10.0.0.9 return", true},
		{"ip daddr > 10.0.0.1 return", "add rule ip nat A ip daddr > 10.0.0.1 return", true},
		{"ip daddr { 10.0.0.1 } return", "-A A -d 10.0.0.1/32 -j RETURN", false},
		{"ip daddr @s return", "add rule ip nat A ip daddr @s return", true},
		{"ip daddr vmap { 1.2.3.4 : accept }", "add rule ip nat A ip daddr vmap { … }", true},
		{"ip daddr & 0.0.0.255 == 5 return", "-A A -d 0.0.0.5/0.0.0.255 -j RETURN", false},
		{"ip saddr 10.0.0.1 ip daddr 10.0.0.2 return", "-A A -s 10.0.0.1/32 -d 10.0.0.2/32 -j RETURN", false},
		{"ip daddr 1.2.3.4 ip daddr 1.2.3.5 return", "add rule ip nat A ip daddr 1.2.3.4 ip daddr 1.2.3.5 return", true},
		{"meta l4proto tcp return", "-A A -p tcp -j RETURN", false},
		{"ip protocol tcp return", "-A A -p tcp -j RETURN", false},
		{"tcp dport 80 return", "-A A -p tcp -m tcp … -j RETURN", false},
		{"tcp dport 80-90 return", "-A A -p tcp -m tcp … -j RETURN", false},
		{"th dport 53 return", "add rule ip nat A th dport 53 return", true},
		{"meta mark 1 return", "-A A -m mark --mark 0x1 -j RETURN", false},
		{"meta mark & 0xff == 0x1 return", "-A A -m mark --mark 0x1/0xff -j RETURN", false},
		{"meta mark > 1 return", "add rule ip nat A meta mark > 0x00000001 return", true},
		{"meta mark set 1", "add rule ip nat A meta mark set 0x00000001", true},
		{"meta nftrace set 1", "-A A -j TRACE", false},
		{`oifname "eth*" return`, "-A A -o eth+ -j RETURN", false},
		{`iifname != "eth0" return`, "-A A ! -i eth0 -j RETURN", false},
		{`oifname { "a", "c" } return`, "", true},
		{"ip length 5 return", "add rule ip nat A @nh,16,16 0x0005 return", true},
		{"ip frag-off & 0x1fff != 0 return", "-A A -f -j RETURN", false},
		{"ct state new return", "add rule ip nat A ct state != 0x00000000 return", true},
		{"fib daddr type local return", "add rule ip nat A fib daddr type local return", true},
		{"fib daddr type != local jump B", "add rule ip nat A fib daddr type != local jump B", true},
		{"limit rate 1/second return", "-A A -m limit --limit 1/sec -j RETURN", false},
		{"limit rate over 1/second return", "add rule ip nat A limit rate over 1/second return", true},
		{"quota 1 mbytes return", "add rule ip nat A quota return", true},
		{"log", "add rule ip nat A log", true},
		{`log prefix "x y" group 3`, `-A A -j NFLOG --nflog-prefix "x y" --nflog-group 3`, false},
		{"counter name c", `add rule ip nat A counter name "c"`, true},
		{"jump B", "-A A -j B", false},
		{"goto B", "-A A -g B", false},
		{"masquerade", "add rule ip nat A masquerade", true},
		{"masquerade fully-random", "add rule ip nat A masquerade fully-random", true},
		{"snat to 1.2.3.4-1.2.3.9", "add rule ip nat A snat to 1.2.3.4-1.2.3.9", true},
		{"numgen random mod 2 0 return", "add rule ip nat A numgen random mod 2 0 return", true},
		{"ip saddr set 1.2.3.4", "add rule ip nat A ip saddr set …", true},
	}
	netns.Run(t, func(t *testing.T) {
		netns.Require(t, "nft", "iptables-nft")
		nft(t, `table ip nat {
			set s { type ipv4_addr; }
			counter c { }
			chain B { }
			chain A { }
			chain POSTROUTING { type nat hook postrouting priority 100; jump A; }
		}`)
		c := open(t)
		for _, tt := range tests {
			nft(t, "flush chain ip nat A\nadd rule ip nat A "+tt.rule)
			chain, err := c.Chain(netfilter.IPv4, "nat", "A")
			if err != nil {
				t.Fatal(err)
			}
			r := chain.Rules[0]
			if r.Native != tt.native || tt.text != "" && r.Text != tt.text {
				t.Errorf("%s: native %v, %s\nwant  native %v, %s", tt.rule, r.Native, r.Text, tt.native, tt.text)
			}
			out, err := exec.Command("iptables-nft", "-t", "nat", "-S", "A").Output()
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			listed := err == nil && len(lines) == 2
			if before, after, cut := strings.Cut(r.Text, "…"); listed && cut {
				listed = strings.HasPrefix(lines[1], before) && strings.HasSuffix(lines[1], after)
			} else if listed {
				listed = lines[1] == r.Text
			}
			if listed == r.Native {
				t.Errorf("%s: native %v, but iptables prints %q, %v", tt.rule, r.Native, out, err)
			}
		}
		// Base chains other than iptables' own are not shown at all.
		nft(t, "table ip nat { chain mine { type nat hook postrouting priority 110; return; }; }\ntable inet nat { chain A { return; }; chain p { type nat hook postrouting priority 110; jump A; }; }")
		rs, err := c.Postrouting()
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range rs.Tables {
			for _, chain := range table.Chains {
				for _, r := range chain.Rules {
					if hidden := table.Family == "inet" || chain.Name == "mine"; hidden && !r.Native {
						t.Errorf("not native: %s", r.Text)
					}
				}
			}
		}
	})
}
