// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain_test

import (
	"net/netip"
	"strings"
	"testing"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestRulesOfOthers tests rules of other programs that iptables does not show, or
// shows wrong. Each answer is compared with the source address of a real packet. DST stands for the destination, POD for the
// pod's address, FAM for ip or ip6.
func TestRulesOfOthers(t *testing.T) {
	tests := []struct {
		name     string
		nft      string
		mangle   string         // a rule of the mangle table, as iptables takes it
		kept     netfilter.Fate // of a destination that the file keeps
		masq     netfilter.Fate // of one that it masquerades
		toFamily string         // another family's table is changed, if it is not empty
	}{
		{name: "firewalld", kept: netfilter.Masqueraded, masq: netfilter.Masqueraded,
			nft: `table inet firewalld { chain nat_POSTROUTING { type nat hook postrouting priority 110; policy accept; jump p; }
				chain p { meta nfproto NFPROTO oifname != "lo" masquerade; } }`},
		{name: "a base chain in the nat table", kept: netfilter.Masqueraded, masq: netfilter.Masqueraded,
			nft: `table FAM nat { chain mine { type nat hook postrouting priority 101; policy accept; FAM daddr KEPT masquerade; } }`},
		{name: "a base chain before", kept: netfilter.Kept, masq: netfilter.Masqueraded,
			nft: `table FAM mine { chain post { type nat hook postrouting priority 90; policy accept; FAM daddr MASQ accept; } }`},
		{name: "a set", kept: netfilter.Kept, masq: netfilter.Kept,
			nft: `table FAM nat { set s { type ADDR; elements = { MASQ }; }
				chain POSTROUTING { type nat hook postrouting priority 100; policy accept; } }
				insert rule FAM nat POSTROUTING FAM daddr @s accept`},
		{name: "a mark of mangle", kept: netfilter.Undetermined, masq: netfilter.Masqueraded,
			mangle: "POSTROUTING -d KEPT -j MARK --set-xmark 0x10/0x10",
			nft:    `add rule FAM nat POSTROUTING meta mark and 0x10 == 0x10 masquerade`},
		{name: "tailscale", kept: netfilter.Undetermined, masq: netfilter.Masqueraded,
			nft: `table FAM nat { chain ts-postrouting { meta mark and 0xff0000 == 0x40000 counter masquerade; } }
				insert rule FAM nat POSTROUTING counter jump ts-postrouting`},
		{name: "a native rule in the other family", kept: netfilter.Kept, masq: netfilter.Masqueraded,
			nft: `table OTHER nat { chain POSTROUTING { type nat hook postrouting priority 100; policy accept; ct state new limit rate 1/second masquerade; } }`},
		{name: "a rate limit", kept: netfilter.Undetermined, masq: netfilter.Masqueraded,
			nft: `add rule FAM nat POSTROUTING limit rate 100/second masquerade`},
		{name: "SNAT", kept: netfilter.Translated, masq: netfilter.Masqueraded,
			nft: `add rule FAM nat POSTROUTING FAM daddr KEPT snat to GATEWAY`},
		{name: "a verdict map", kept: netfilter.Masqueraded, masq: netfilter.Kept,
			nft: `table FAM mine { chain yes { masquerade; }
				chain post { type nat hook postrouting priority 90; policy accept; FAM daddr vmap { KEPT : jump yes }; } }
				insert rule FAM nat POSTROUTING FAM daddr vmap { MASQ : accept }`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, family := range []string{"IPv4", "IPv6"} {
				t.Run(family, func(t *testing.T) {
					netns.Require(t, "nft", netns.Command("iptables-nft", family))
					netns.Run(t, func(t *testing.T) {
						w := newWorld(t, family)
						kept, masqueraded := w.address(1, 1), w.address(2, 2)
						c := w.keeping(kept)
						if _, err := iptables.NewNAT(w.family, iptables.NFT).Apply(t.Context(), masq.Options{ChainName: "IP-MASQ"}.Chain(w.family, c)); err != nil {
							t.Fatal(err)
						}
						words := strings.NewReplacer("KEPT", kept.String(), "MASQ", masqueraded.String(), "FAM", w.pick("ip", "ip6"), "OTHER", w.pick("ip6", "ip"),
							"NFPROTO", w.pick("ipv4", "ipv6"), "ADDR", w.pick("ipv4_addr", "ipv6_addr"), "GATEWAY", w.pick("10.1.0.1", "fd00:1::1"))
						if tt.mangle != "" {
							netns.Output(netns.Command("iptables-nft", family), append([]string{"-t", "mangle", "-A"}, strings.Fields(words.Replace(tt.mangle))...)...)
						}
						netns.NFTOrSkip(t, strings.ReplaceAll(words.Replace(tt.nft), "} ", "}\n"))
						for dst, want := range map[netip.Addr]netfilter.Fate{kept: tt.kept, masqueraded: tt.masq} {
							a := w.live(t, w.question(t, dst))
							real := w.connect(t, dst)
							if a.Verdict != want {
								t.Errorf("%s: %s, want %s: %+v", dst, a.Verdict, want, a)
							}
							if a.Verdict != real && a.Verdict != netfilter.Undetermined {
								t.Errorf("%s: %s, the packet says %s: %+v", dst, a.Verdict, real, a)
							}
						}
					})
				})
			}
		})
	}
}
