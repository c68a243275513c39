// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
)

func TestParsePortRanges(t *testing.T) {
	tests := []struct {
		in   string
		want []netfilter.PortRange
		err  string // a part of it; empty for none
	}{
		{in: ""},
		{in: "1024-29999,32768-65535", want: []netfilter.PortRange{{From: 1024, To: 29999}, {From: 32768, To: 65535}}},
		{in: "32768-65535,1-1", want: []netfilter.PortRange{{From: 32768, To: 65535}, {From: 1, To: 1}}},
		{in: "4000", want: []netfilter.PortRange{{From: 4000, To: 4000}}},
		{in: "1-65535", want: []netfilter.PortRange{{From: 1, To: 65535}}},
		{in: "0-10", err: `port "0" is not a number from 1 to 65535`},
		{in: "1-65536", err: `port "65536" is not`},
		{in: "20-10", err: "reversed: write 10-20"},
		{in: "1-10,10-20", err: "1-10 and 10-20 overlap"},
		{in: "10-20,1-10", err: "10-20 and 1-10 overlap"},
		{in: "1-100,20-30", err: "overlap"},
		{in: "1-10,", err: `port "" is not`},
		{in: "1-2-3", err: `port "2-3" is not`},
		{in: " 1-2", err: `port " 1" is not`},
		{in: "+1-2", err: `port "+1" is not`},
		{in: "1-2\n-A POSTROUTING -j ACCEPT", err: "is not a number"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := ParsePortRanges(tt.in)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error is %v, want %q", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzParsePortRanges checks that what is accepted is sound, says what it was
// made of, and gives each port the same share of the connections.
func FuzzParsePortRanges(f *testing.F) {
	for _, seed := range []string{"", "1024-29999,32768-65535", "1-65535", "5", "9-1", "1-2,2-3", "1,2,3,4,5", "0-0", "65535-65535"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ranges, err := ParsePortRanges(s)
		if err != nil {
			return
		}
		seen := map[uint16]bool{}
		for _, r := range ranges {
			for p := int(r.From); p <= int(r.To); p++ {
				if p == 0 || seen[uint16(p)] {
					t.Fatalf("port %d is 0 or there twice", p)
				}
				seen[uint16(p)] = true
			}
		}
		rules := Options{ToPorts: ranges}.masquerade("x", []netip.Prefix{{}}, netip.Prefix{})
		if len(rules) != 3*len(ranges)+1 {
			t.Fatalf("%d rules for %d ranges", len(rules), len(ranges))
		}
		checkEachSource(t, rules, ranges)
		left := 1.0 // of the connections that come to a rule
		for i, r := range ranges {
			share := left
			if p := rules[i].Probability; p != 0 {
				share *= p
				if parsed, err := strconv.ParseFloat(probabilityText(t, rules[i]), 64); err != nil || parsed != p {
					t.Errorf("probability %v is written as one that reads %v, %v", p, parsed, err)
				}
			}
			if want := float64(netfilter.Ports(r)) / float64(len(seen)); math.Abs(share-want) > 1e-9 {
				t.Errorf("range %s gets %v of the connections, want %v", r, share, want)
			}
			left -= share
		}
	})
}

func probabilityText(t *testing.T, r iptables.Rule) string {
	t.Helper()
	_, after, found := strings.Cut(r.String(), "--probability ")
	if !found {
		t.Fatalf("no probability in %s", r)
	}
	text, _, _ := strings.Cut(after, " ")
	return text
}

// checkEachSource checks that each of two sources has the same rules as any
// source, one source after the other.
func checkEachSource(t *testing.T, rules []iptables.Rule, ranges []netfilter.PortRange) {
	t.Helper()
	sources := prefixes("10.244.0.0/16 192.0.2.1/32")
	both := Options{ToPorts: ranges}.masquerade("x", sources, netip.Prefix{})
	var want []iptables.Rule
	for _, s := range sources {
		for _, r := range rules {
			r.Source = s
			want = append(want, r)
		}
	}
	if diff := cmp.Diff(want, both, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("rules of two sources (-want +got):\n%s", diff)
	}
}
