// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"net/netip"
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
	}{
		{
			name: "kept range",
			rule: Rule{Comment: "ip-masq-agent: local", Destination: netip.MustParsePrefix("10.0.0.0/8"), Target: Return},
			want: `-m comment --comment "ip-masq-agent: local" -d 10.0.0.0/8 -j RETURN`,
		},
		{
			name: "masqueraded to a share of the ports",
			rule: Rule{Comment: "last", Destination: netip.MustParsePrefix("fd00::/8"), Target: Masquerade, RandomFully: true,
				Protocol: "sctp", Probability: 0.25, ToPorts: PortRange{1024, 2000}},
			want: `-m comment --comment "last" -d fd00::/8 -j MASQUERADE --random-fully -p sctp -m statistic --mode random --probability 0.25 --to-ports 1024-2000`,
		},
		{
			name: "tiny probability has no exponent",
			rule: Rule{Comment: "x", Target: Masquerade, Probability: 1.0 / 65535},
			want: `-m comment --comment "x" -j MASQUERADE -m statistic --mode random --probability 0.000015259021896696422`,
		},
		{
			name: "jump",
			rule: Rule{Comment: `say "hi" \o/`, NotLocal: true, Target: "IP-MASQ"},
			want: `-m comment --comment "say \"hi\" \\o/" -m addrtype ! --dst-type LOCAL -j IP-MASQ`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.rule.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			got, _, err := parseRule(tt.rule.String())
			if err != nil {
				t.Fatalf("parseRule: %v", err)
			}
			if diff := cmp.Diff(tt.rule, got, comparePrefix); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseListing(t *testing.T) {
	lines := []string{
		"# Warning: iptables-legacy tables present, use iptables-legacy to see them",
		"-N IP-MASQ",
		`-A IP-MASQ -d 10.0.0.0/8 -m comment --comment "kept range" -c 3 180 -j RETURN`,
		`-A IP-MASQ -p 132 -m comment --comment x -m statistic --mode random --probability 0.46968000010 -j MASQUERADE --to-ports 1024 --random-fully -c 2 120`,
		`-A IP-MASQ -s 10.1.0.0/16 -m comment --comment x -j RETURN`,
		`-A IP-MASQ -m addrtype --dst-type LOCAL -j RETURN`,
		`-A IP-MASQ -m comment --comment "not closed -j RETURN`,
	}
	got := newListing("IP-MASQ", lines)
	type entry struct {
		Rule  Rule
		Ours  bool
		Count netfilter.Count
	}
	want := []entry{
		{Rule{Comment: "kept range", Destination: netip.MustParsePrefix("10.0.0.0/8"), Target: Return}, true, netfilter.Count{Packets: 3, Bytes: 180}},
		{Rule{Comment: "x", Protocol: "sctp", Probability: 0.4696800001, Target: Masquerade, ToPorts: PortRange{1024, 1024}, RandomFully: true}, true, netfilter.Count{Packets: 2, Bytes: 120}},
		{}, {}, {}, // of others
	}
	var entries []entry
	for _, e := range got.Entries {
		entries = append(entries, entry{e.Rule, e.Ours, e.Count})
	}
	if diff := cmp.Diff(want, entries, comparePrefix); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(netfilter.Traffic{Kept: netfilter.Count{Packets: 3, Bytes: 180}, Masqueraded: netfilter.Count{Packets: 2, Bytes: 120}}, got.Traffic()); diff != "" {
		t.Errorf("traffic (-want +got):\n%s", diff)
	}
	if _, ours := got.Rules(); ours || !got.Exists {
		t.Error("the chain is there, and not all of it ours")
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
		{"another port", base, with(func(r *Rule) { r.ToPorts = PortRange{1, 2} }), false},
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
