// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
)

// prefixes reads "10.0.0.0/8 fd00::/8".
func prefixes(s string) []netip.Prefix {
	var out []netip.Prefix
	for _, word := range strings.Fields(s) {
		out = append(out, netip.MustParsePrefix(word))
	}
	return out
}

// TestChain has whole restore inputs, as an operator would grep them.
func TestChain(t *testing.T) {
	const jump = `-A POSTROUTING -m comment --comment "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ chain" -m addrtype ! --dst-type LOCAL -j IP-MASQ
COMMIT
`
	tests := []struct {
		name    string
		options Options
		family  netfilter.Family
		config  config.Config
		want    string
	}{
		{
			name:    "the documented chain",
			options: Options{ChainName: "IP-MASQ", RandomFully: true},
			config:  config.Config{NonMasquerade: prefixes("10.0.0.0/8")},
			want: `*nat
:IP-MASQ - [0:0]
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 169.254.0.0/16 -j RETURN
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 10.0.0.0/8 -j RETURN
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully
` + jump,
		},
		{
			name:    "IPv6, with the other family's ranges left out",
			options: Options{ChainName: "IP-MASQ"},
			family:  netfilter.IPv6,
			config:  config.Config{NonMasquerade: prefixes("10.0.0.0/8 fd00::/8"), MasqLinkLocal: true},
			want: `*nat
:IP-MASQ - [0:0]
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d fe80::/10 -j RETURN
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d fd00::/8 -j RETURN
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE
` + jump,
		},
		{
			name:    "link-local masqueraded, nothing kept, another chain",
			options: Options{ChainName: "IP-MASQ-AGENT"},
			config:  config.Config{MasqLinkLocal: true},
			want: `*nat
:IP-MASQ-AGENT - [0:0]
-A IP-MASQ-AGENT -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE
` + strings.ReplaceAll(jump, "IP-MASQ", "IP-MASQ-AGENT"),
		},
		{
			name:    "ports, for an exception too",
			options: Options{ChainName: "IP-MASQ", RandomFully: true, ToPorts: []netfilter.PortRange{{From: 1024, To: 29999}, {From: 32768, To: 65535}}},
			config:  config.Config{MasqLinkLocal: true, NonMasquerade: prefixes("10.0.0.0/8"), Masquerade: prefixes("10.9.0.0/16")},
			want: `*nat
:IP-MASQ - [0:0]
-A IP-MASQ -m comment --comment "ip-masq-agent: this range is subject to MASQUERADE" -d 10.9.0.0/16 -j MASQUERADE --random-fully -p tcp -m statistic --mode random --probability 0.469292562840114 --to-ports 1024-29999
-A IP-MASQ -m comment --comment "ip-masq-agent: this range is subject to MASQUERADE" -d 10.9.0.0/16 -j MASQUERADE --random-fully -p tcp --to-ports 32768-65535
-A IP-MASQ -m comment --comment "ip-masq-agent: this range is subject to MASQUERADE" -d 10.9.0.0/16 -j MASQUERADE --random-fully -p udp -m statistic --mode random --probability 0.469292562840114 --to-ports 1024-29999
-A IP-MASQ -m comment --comment "ip-masq-agent: this range is subject to MASQUERADE" -d 10.9.0.0/16 -j MASQUERADE --random-fully -p udp --to-ports 32768-65535
-A IP-MASQ -m comment --comment "ip-masq-agent: this range is subject to MASQUERADE" -d 10.9.0.0/16 -j MASQUERADE --random-fully -p sctp -m statistic --mode random --probability 0.469292562840114 --to-ports 1024-29999
-A IP-MASQ -m comment --comment "ip-masq-agent: this range is subject to MASQUERADE" -d 10.9.0.0/16 -j MASQUERADE --random-fully -p sctp --to-ports 32768-65535
-A IP-MASQ -m comment --comment "ip-masq-agent: this range is subject to MASQUERADE" -d 10.9.0.0/16 -j MASQUERADE --random-fully
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 10.0.0.0/8 -j RETURN
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully -p tcp -m statistic --mode random --probability 0.469292562840114 --to-ports 1024-29999
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully -p tcp --to-ports 32768-65535
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully -p udp -m statistic --mode random --probability 0.469292562840114 --to-ports 1024-29999
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully -p udp --to-ports 32768-65535
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully -p sctp -m statistic --mode random --probability 0.469292562840114 --to-ports 1024-29999
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully -p sctp --to-ports 32768-65535
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully
` + jump,
		},
		{
			name:    "sources, with an exception",
			options: Options{ChainName: "IP-MASQ", RandomFully: true},
			config: config.Config{NonMasquerade: prefixes("10.0.0.0/8"), Masquerade: prefixes("10.9.0.0/16"),
				Source: prefixes("10.244.0.0/16 fd00:244::/64 192.0.2.1/32")},
			want: `*nat
:IP-MASQ - [0:0]
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 169.254.0.0/16 -j RETURN
-A IP-MASQ -m comment --comment "ip-masq-agent: this range is subject to MASQUERADE" -s 10.244.0.0/16 -d 10.9.0.0/16 -j MASQUERADE --random-fully
-A IP-MASQ -m comment --comment "ip-masq-agent: this range is subject to MASQUERADE" -s 192.0.2.1/32 -d 10.9.0.0/16 -j MASQUERADE --random-fully
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 10.0.0.0/8 -j RETURN
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s 10.244.0.0/16 -j MASQUERADE --random-fully
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s 192.0.2.1/32 -j MASQUERADE --random-fully
` + jump,
		},
		{
			name:    "sources, with ports",
			options: Options{ChainName: "IP-MASQ", ToPorts: []netfilter.PortRange{{From: 1024, To: 29999}, {From: 32768, To: 65535}}},
			family:  netfilter.IPv6,
			config:  config.Config{MasqLinkLocalIPv6: true, Source: prefixes("10.244.0.0/16 fd00:244::/64 2001:db8::1/128")},
			want: `*nat
:IP-MASQ - [0:0]
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s fd00:244::/64 -j MASQUERADE -p tcp -m statistic --mode random --probability 0.469292562840114 --to-ports 1024-29999
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s fd00:244::/64 -j MASQUERADE -p tcp --to-ports 32768-65535
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s fd00:244::/64 -j MASQUERADE -p udp -m statistic --mode random --probability 0.469292562840114 --to-ports 1024-29999
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s fd00:244::/64 -j MASQUERADE -p udp --to-ports 32768-65535
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s fd00:244::/64 -j MASQUERADE -p sctp -m statistic --mode random --probability 0.469292562840114 --to-ports 1024-29999
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s fd00:244::/64 -j MASQUERADE -p sctp --to-ports 32768-65535
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s fd00:244::/64 -j MASQUERADE
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s 2001:db8::1/128 -j MASQUERADE -p tcp -m statistic --mode random --probability 0.469292562840114 --to-ports 1024-29999
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s 2001:db8::1/128 -j MASQUERADE -p tcp --to-ports 32768-65535
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s 2001:db8::1/128 -j MASQUERADE -p udp -m statistic --mode random --probability 0.469292562840114 --to-ports 1024-29999
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s 2001:db8::1/128 -j MASQUERADE -p udp --to-ports 32768-65535
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s 2001:db8::1/128 -j MASQUERADE -p sctp -m statistic --mode random --probability 0.469292562840114 --to-ports 1024-29999
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s 2001:db8::1/128 -j MASQUERADE -p sctp --to-ports 32768-65535
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -s 2001:db8::1/128 -j MASQUERADE
` + jump,
		},
		{
			name:    "no source of the family",
			options: Options{ChainName: "IP-MASQ", RandomFully: true},
			config: config.Config{NonMasquerade: prefixes("10.0.0.0/8"), Masquerade: prefixes("10.9.0.0/16"),
				Source: prefixes("fd00:244::/64")},
			want: `*nat
:IP-MASQ - [0:0]
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 169.254.0.0/16 -j RETURN
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 10.0.0.0/8 -j RETURN
` + jump,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.options.Chain(tt.family, tt.config).String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestOrder has the destinations of the rules alone; M marks an exception.
func TestOrder(t *testing.T) {
	tests := []struct {
		name   string
		config config.Config
		want   string
	}{
		{"without exceptions, the file's order", config.Config{NonMasquerade: prefixes("10.0.0.0/8 10.1.0.0/16 0.0.0.0/0")},
			"169.254.0.0/16 10.0.0.0/8 10.1.0.0/16 0.0.0.0/0"},
		{"an exception of the other family changes nothing", config.Config{NonMasquerade: prefixes("10.0.0.0/8 10.1.0.0/16"), Masquerade: prefixes("fd00::/8")},
			"169.254.0.0/16 10.0.0.0/8 10.1.0.0/16"},
		{"10/8 but not 10.9/16", config.Config{NonMasquerade: prefixes("10.0.0.0/8 172.16.0.0/12"), Masquerade: prefixes("10.9.0.0/16")},
			"169.254.0.0/16 M10.9.0.0/16 172.16.0.0/12 10.0.0.0/8"},
		{"only these ranges", config.Config{NonMasquerade: prefixes("0.0.0.0/0"), Masquerade: prefixes("203.0.113.0/24 198.51.100.0/24")},
			"169.254.0.0/16 M203.0.113.0/24 M198.51.100.0/24 0.0.0.0/0"},
		{"an exception of an exception", config.Config{NonMasquerade: prefixes("10.0.0.0/8 10.9.1.0/24"), Masquerade: prefixes("10.9.0.0/16")},
			"169.254.0.0/16 10.9.1.0/24 M10.9.0.0/16 10.0.0.0/8"},
		{"inside link-local", config.Config{NonMasquerade: prefixes("10.0.0.0/8 10.1.1.0/24"), Masquerade: prefixes("169.254.169.254/32")},
			"M169.254.169.254/32 10.1.1.0/24 169.254.0.0/16 10.0.0.0/8"},
		{"link-local itself", config.Config{NonMasquerade: prefixes("10.1.0.0/16"), Masquerade: prefixes("169.254.0.0/16")},
			"M169.254.0.0/16 169.254.0.0/16 10.1.0.0/16"},
		{"around link-local", config.Config{NonMasquerade: prefixes("10.1.0.0/24"), Masquerade: prefixes("169.0.0.0/8 0.0.0.0/0")},
			"169.254.0.0/16 10.1.0.0/24 M169.0.0.0/8 M0.0.0.0/0"},
		{"around link-local, from its first address on", config.Config{NonMasquerade: prefixes("10.1.0.0/24"), Masquerade: prefixes("169.254.0.0/15")},
			"169.254.0.0/16 10.1.0.0/24 M169.254.0.0/15"},
		{"link-local is like any other range", config.Config{MasqLinkLocal: true, NonMasquerade: prefixes("169.254.0.0/16"), Masquerade: prefixes("169.254.1.0/24")},
			"M169.254.1.0/24 169.254.0.0/16"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rules := Options{ChainName: "IP-MASQ"}.Chain(netfilter.IPv4, tt.config).Rules
			last := rules[len(rules)-1]
			if last.Comment != lastComment || last.Destination.IsValid() {
				t.Errorf("the last rule is %s", last)
			}
			var got []string
			for _, r := range rules[:len(rules)-1] {
				mark := ""
				if r.Target == iptables.Masquerade {
					mark = "M"
				}
				got = append(got, mark+r.Destination.String())
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
