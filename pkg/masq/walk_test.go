// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/iptables"
)

// listings reads chains from the lines of iptables -S, in which every chain is
// declared.
func listings(names []string, text string) Chains {
	chains := Chains{}
	for _, name := range names {
		chains[name] = iptables.ParseListing(name, "-N "+name+"\n"+text)
	}
	return chains
}

func TestWalk(t *testing.T) {
	const jump = "-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ\n"
	const chain = "-A IP-MASQ -d 10.0.0.0/8 -j RETURN\n-A IP-MASQ -j MASQUERADE\n"
	const cni = "-A POSTROUTING -s 10.244.1.5/32 -j CNI-1\n-A CNI-1 -d 10.244.1.0/24 -j ACCEPT\n-A CNI-1 ! -d 224.0.0.0/4 -j MASQUERADE\n"
	masquerade := func(rule string) string { return "masquerade " + rule }
	const keep = "keep "
	tests := []struct {
		name, rules, src, dst string
		local                 bool
		want                  []string
	}{
		{name: "masquerade", rules: jump + chain, dst: "8.8.8.8", want: []string{masquerade("-A IP-MASQ -j MASQUERADE")}},
		{name: "keep", rules: jump + chain, dst: "10.1.1.1", want: []string{keep}},
		{name: "local", rules: jump + chain, dst: "8.8.8.8", local: true, want: []string{keep}},
		{name: "no jump", rules: chain, dst: "8.8.8.8", want: []string{keep}},
		{name: "a rule behind the return", rules: jump + chain + "-A POSTROUTING ! -d 10.1.0.0/16 -j MASQUERADE\n", dst: "10.2.0.1",
			want: []string{masquerade("-A POSTROUTING ! -d 10.1.0.0/16 -j MASQUERADE")}},
		{name: "a rule before", rules: "-A POSTROUTING -d 10.2.0.0/16 -j SNAT --to-source 192.0.2.1\n" + jump + chain, dst: "10.2.0.1",
			want: []string{masquerade("-A POSTROUTING -d 10.2.0.0/16 -j SNAT --to-source 192.0.2.1")}},
		{name: "accepted before", rules: "-A POSTROUTING -d 8.0.0.0/8 -j ACCEPT\n" + jump + chain, dst: "8.8.8.8",
			want: []string{"keep -A POSTROUTING -d 8.0.0.0/8 -j ACCEPT"}},
		{name: "kube-proxy takes what it marked", rules: "-A POSTROUTING -j KUBE\n-A KUBE -m mark ! --mark 0x4000/0x4000 -j RETURN\n-A KUBE -j MASQUERADE\n" + jump + chain, dst: "10.2.0.1",
			want: []string{keep}},
		{name: "source known, and it is", rules: jump + chain + cni, src: "10.244.1.5", dst: "10.2.0.1", want: []string{masquerade("-A CNI-1 ! -d 224.0.0.0/4 -j MASQUERADE")}},
		{name: "source known, and it is not", rules: jump + chain + cni, src: "10.244.1.6", dst: "10.2.0.1", want: []string{keep}},
		{name: "source not known", rules: jump + chain + cni, dst: "10.2.0.1", want: []string{masquerade("-A CNI-1 ! -d 224.0.0.0/4 -j MASQUERADE"), keep}},
		{name: "source not known, and no matter", rules: jump + chain + cni, dst: "8.8.8.8", want: []string{masquerade("-A IP-MASQ -j MASQUERADE")}},
		{name: "maybe a return", rules: "-A POSTROUTING -m set --match-set a dst -j KUBE\n-A POSTROUTING -j MASQUERADE\n-A KUBE -m time --x -j RETURN\n-A KUBE -j ACCEPT\n", dst: "10.2.0.1",
			want: []string{"keep -A KUBE -j ACCEPT", masquerade("-A POSTROUTING -j MASQUERADE")}},
		{name: "goto ends the chain it stands in", rules: "-A POSTROUTING -g KUBE\n-A POSTROUTING -j MASQUERADE\n-A KUBE -d 8.0.0.0/8 -j ACCEPT\n", dst: "10.2.0.1", want: []string{keep}},
		{name: "goto comes back to the caller's caller", rules: "-A POSTROUTING -j KUBE\n-A POSTROUTING -j MASQUERADE\n-A KUBE -g IP-MASQ\n-A KUBE -j ACCEPT\n-A IP-MASQ -j RETURN\n", dst: "10.2.0.1",
			want: []string{masquerade("-A POSTROUTING -j MASQUERADE")}},
		{name: "a log goes on", rules: "-A POSTROUTING -j LOG --log-prefix \"-j ACCEPT\"\n-A POSTROUTING\n-A POSTROUTING -j MASQUERADE\n", dst: "10.2.0.1", want: []string{masquerade("-A POSTROUTING -j MASQUERADE")}},
		{name: "a chain that was not read", rules: "-A POSTROUTING -j OTHER\n" + jump + chain, dst: "8.8.8.8",
			want: []string{"unknown -A OTHER (not read)", masquerade("-A IP-MASQ -j MASQUERADE")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := iptables.Packet{Destination: netip.MustParseAddr(tt.dst), Out: "eth0"}
			if tt.src != "" {
				p.Source = netip.MustParseAddr(tt.src)
			}
			if tt.local {
				p.Local = iptables.Yes
			}
			var got []string
			for _, d := range listings([]string{"POSTROUTING", "IP-MASQ", "CNI-1", "KUBE"}, tt.rules).Walk("POSTROUTING", p) {
				rule := ""
				if d.Rule.Chain != "" {
					rule = d.Rule.String()
				}
				got = append(got, fmt.Sprintf("%s %s", d.Verdict, rule))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWalkIsLinear has rules that may lead to a chain, hundreds of them: each
// would double the ways if they were followed one by one.
func TestWalkIsLinear(t *testing.T) {
	text := "-A KUBE -m time --x -j RETURN\n"
	for range 300 {
		text += "-A POSTROUTING -m time --x -j KUBE\n"
	}
	p := iptables.Packet{Destination: netip.MustParseAddr("8.8.8.8")}
	got := listings([]string{"POSTROUTING", "KUBE"}, text).Walk("POSTROUTING", p)
	if len(got) != 1 || One(got) != Keep {
		t.Errorf("decisions %+v", got)
	}
}

func TestOne(t *testing.T) {
	k, m := Decision{Verdict: Keep}, Decision{Verdict: Masquerade}
	for _, tt := range []struct {
		in   []Decision
		want Verdict
	}{{nil, Unknown}, {[]Decision{k}, Keep}, {[]Decision{m, m}, Masquerade}, {[]Decision{m, k}, Unknown}} {
		if got := One(tt.in); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.in, got, tt.want)
		}
	}
}
