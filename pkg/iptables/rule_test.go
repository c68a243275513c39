// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ip-masq-agent/pkg/netfilter"
)

var comparePrefix = cmpopts.EquateComparable(netip.Prefix{})

func TestRuleString(t *testing.T) {
	tests := []struct {
		name string
		rule Rule
		want string
		// printed is how iptables -S prints it.
		printed string
	}{
		{
			name:    "kept range",
			rule:    Rule{Comment: "ip-masq-agent: local", Destination: netip.MustParsePrefix("10.0.0.0/8"), Target: Return},
			want:    `-m comment --comment "ip-masq-agent: local" -d 10.0.0.0/8 -j RETURN`,
			printed: `-d 10.0.0.0/8 -m comment --comment "ip-masq-agent: local" -j RETURN`,
		},
		{
			name: "masqueraded to a share of the ports",
			rule: Rule{Comment: "last", Destination: netip.MustParsePrefix("fd00::/8"), Target: Masquerade, RandomFully: true,
				Protocol: "sctp", Probability: 0.25, ToPorts: netfilter.PortRange{From: 1024, To: 2000}},
			want:    `-m comment --comment "last" -d fd00::/8 -j MASQUERADE --random-fully -p sctp -m statistic --mode random --probability 0.25 --to-ports 1024-2000`,
			printed: `-d fd00::/8 -p sctp -m comment --comment last -m statistic --mode random --probability 0.25000000000 -j MASQUERADE --to-ports 1024-2000 --random-fully`,
		},
		{
			name: "masqueraded if it comes from a range",
			rule: Rule{Comment: "x", Source: netip.MustParsePrefix("10.244.0.0/16"), Destination: netip.MustParsePrefix("10.9.0.0/16"), Target: Masquerade,
				RandomFully: true, Protocol: "tcp", ToPorts: netfilter.PortRange{From: 1024, To: 2000}},
			want:    `-m comment --comment "x" -s 10.244.0.0/16 -d 10.9.0.0/16 -j MASQUERADE --random-fully -p tcp --to-ports 1024-2000`,
			printed: `-s 10.244.0.0/16 -d 10.9.0.0/16 -p tcp -m comment --comment x -j MASQUERADE --to-ports 1024-2000 --random-fully`,
		},
		{
			name:    "tiny probability has no exponent",
			rule:    Rule{Comment: "x", Target: Masquerade, Probability: 1.0 / 65535},
			want:    `-m comment --comment "x" -j MASQUERADE -m statistic --mode random --probability 0.000015259021896696422`,
			printed: `-m comment --comment x -m statistic --mode random --probability 0.00001525925 -j MASQUERADE`,
		},
		{
			name:    "jump",
			rule:    Rule{Comment: `say "hi" \o/`, NotLocal: true, Target: "IP-MASQ"},
			want:    `-m comment --comment "say \"hi\" \\o/" -m addrtype ! --dst-type LOCAL -j IP-MASQ`,
			printed: `-m comment --comment "say \"hi\" \\o/" -m addrtype ! --dst-type LOCAL -j IP-MASQ`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.rule.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			f := netfilter.IPv4
			if tt.rule.Destination.Addr().Is6() {
				f = netfilter.IPv6
			}
			got, ok := RuleOf(f, parseRule(f, "IP-MASQ", tt.printed))
			if !ok {
				t.Fatal("it cannot be read back")
			}
			if diff := cmp.Diff(tt.rule.canonical(), got.canonical(), comparePrefix); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRuleEqual(t *testing.T) {
	base := Rule{Comment: "x", Target: Masquerade}
	with := func(change func(*Rule)) Rule { r := base; change(&r); return r }
	tests := []struct {
		name string
		a, b Rule
		want bool
	}{
		{"any destination is no match", base, with(func(r *Rule) { r.Destination = netip.MustParsePrefix("0.0.0.0/0") }), true},
		{"host bits are cut off", with(func(r *Rule) { r.Destination = netip.MustParsePrefix("198.15.5.92/24") }),
			with(func(r *Rule) { r.Destination = netip.MustParsePrefix("198.15.5.0/24") }), true},
		{"probability as the kernel keeps it", with(func(r *Rule) { r.Probability = 0.46968 }), with(func(r *Rule) { r.Probability = 0.4696800001 }), true},
		{"another probability", with(func(r *Rule) { r.Probability = 0.46968 }), with(func(r *Rule) { r.Probability = 0.46969 }), false},
		{"another comment", base, with(func(r *Rule) { r.Comment = "y" }), false},
		{"another port", base, with(func(r *Rule) { r.ToPorts = netfilter.PortRange{From: 1, To: 2} }), false},
		{"another destination", with(func(r *Rule) { r.Destination = netip.MustParsePrefix("10.0.0.0/8") }),
			with(func(r *Rule) { r.Destination = netip.MustParsePrefix("10.0.0.0/9") }), false},
		{"a destination or any", base, with(func(r *Rule) { r.Destination = netip.MustParsePrefix("10.0.0.0/8") }), false},
		{"any source is no match", base, with(func(r *Rule) { r.Source = netip.MustParsePrefix("::/0") }), true},
		{"host bits of a source are cut off", with(func(r *Rule) { r.Source = netip.MustParsePrefix("10.244.1.7/16") }),
			with(func(r *Rule) { r.Source = netip.MustParsePrefix("10.244.0.0/16") }), true},
		{"a source or a destination", with(func(r *Rule) { r.Source = netip.MustParsePrefix("10.0.0.0/8") }),
			with(func(r *Rule) { r.Destination = netip.MustParsePrefix("10.0.0.0/8") }), false},
		{"random-fully", base, with(func(r *Rule) { r.RandomFully = true }), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.a.Equal(tt.b); got != tt.want {
				t.Errorf("Equal(%v, %v) = %v, want %v", tt.a, tt.b, got, tt.want)
			}
		})
	}
}

// FuzzFields checks that what is quoted comes back as it was.
func FuzzFields(f *testing.F) {
	for _, seed := range []string{"", "plain", `with "quotes"`, `back\slash`, "  spaces  ", `ends in \`, "it's"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := fields("a " + quote(s) + " z")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a", s, "z"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestEveryFieldIsWrittenAndReadBack makes sure that the chain of the kernel
// tests has every field of a Rule: a field that String knows and the readers do
// not would otherwise show on a node only, as a chain that always differs.
func TestEveryFieldIsWrittenAndReadBack(t *testing.T) {
	set := map[string]bool{}
	c := wanted("IPv4")
	for _, r := range append(c.Rules, c.Jump) {
		v := reflect.ValueOf(r)
		for i := range v.NumField() {
			set[v.Type().Field(i).Name] = set[v.Type().Field(i).Name] || !v.Field(i).IsZero()
		}
	}
	for name, ok := range set {
		if !ok {
			t.Errorf("no rule of wanted has the field %s, so no kernel test writes it and reads it back", name)
		}
	}
}
