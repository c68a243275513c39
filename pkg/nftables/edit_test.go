// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestEditExchangesElements edits the ranges. Rules and chains keep their
// handles, and so their counters.
func TestEditExchangesElements(t *testing.T) {
	edits := map[string]string{
		"grown":              "10.0.0.0-11.255.255.255 keep, 172.16.0.0-172.31.255.255 keep",
		"shrunk":             "10.0.0.0-10.127.255.255 keep, 172.16.0.0-172.31.255.255 keep",
		"other verdict":      "10.0.0.0-10.255.255.255 masquerade, 172.16.0.0-172.31.255.255 keep",
		"split":              "10.0.0.0-10.8.255.255 keep, 10.9.0.0-10.9.255.255 masquerade, 10.10.0.0-10.255.255.255 keep, 172.16.0.0-172.31.255.255 keep",
		"neighbor":           "10.0.0.0-10.255.255.255 keep, 11.0.0.0-11.255.255.255 masquerade, 172.16.0.0-172.31.255.255 keep",
		"all else":           "192.0.2.1 keep, 198.51.100.0-198.51.100.255 masquerade",
		"everything":         "0.0.0.0-255.255.255.255 keep",
		"to the last one":    "10.0.0.0-10.255.255.255 keep, 172.16.0.0-255.255.255.255 keep",
		"from the first one": "0.0.0.0-10.255.255.255 keep, 172.16.0.0-172.31.255.255 keep",
	}
	elements := regexp.MustCompile(`(?s)\n\s*elements = \{.*?\}`)
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) {
				handles := func() string {
					return elements.ReplaceAllString(nftOutput(t, "-a", "list", "table", "ip", TableName), "")
				}
				first := Spec{Destinations: intervals("10.0.0.0-10.255.255.255 keep, 172.16.0.0-172.31.255.255 keep")}
				second := Spec{Destinations: intervals(edit)}
				table := NewTable(netfilter.IPv4)
				apply(t, table, first)
				before := handles()
				for _, s := range []Spec{second, {}, first} {
					if report := apply(t, table, s); !report.WroteChain || report.WroteJump {
						t.Errorf("report %+v", report)
					}
					if diff := cmp.Diff(before, handles()); diff != "" {
						t.Errorf("besides elements the edit changed (-before +after):\n%s", diff)
					}
					edited := list(t, s.Family)
					checkUnchanged(t, table, s)
					nft(t, "add table ip x\n"+strings.ReplaceAll(s.String(), "ip "+TableName, "ip x"))
					if diff := cmp.Diff(strings.ReplaceAll(edited, "ip "+TableName, "ip x"), nftOutput(t, "list", "table", "ip", "x")); diff != "" {
						t.Errorf("edited table (-netlink +text):\n%s", diff)
					}
				}
			})
		})
	}
}

// TestManyRanges writes tens of thousands of ranges in one transaction, has
// nft count them, and exchanges them all in another.
func TestManyRanges(t *testing.T) {
	tests := []struct {
		name   string
		family netfilter.Family
		n      int
	}{{"IPv4 10000", netfilter.IPv4, 10000}, {"IPv6 10000", netfilter.IPv6, 10000}, {"IPv4 60000", netfilter.IPv4, 60000}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) {
				s := Spec{Family: tt.family, Destinations: many(tt.family, tt.n)}
				table := NewTable(tt.family)
				for range 2 {
					before := netns.Generation(t)
					apply(t, table, s)
					if after := netns.Generation(t); after != before+1 {
						t.Errorf("%d transactions, want 1", after-before)
					}
					listed := list(t, tt.family)
					kept, masqueraded := strings.Count(listed, ": goto kept"), strings.Count(listed, ": goto masq")
					if kept != tt.n/2 || masqueraded != tt.n/2 {
						t.Fatalf("%d ranges kept and %d masqueraded, want %d each", kept, masqueraded, tt.n/2)
					}
					for i := range s.Destinations {
						s.Destinations[i].Masquerade = !s.Destinations[i].Masquerade
					}
				}
			})
		})
	}
}

// TestRefusedEditReplacesTheTable has a map that has no room for more elements.
func TestRefusedEditReplacesTheTable(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		first := Spec{Destinations: intervals("10.0.0.0-10.255.255.255 keep")}
		nft(t, strings.Replace(first.String(), "flags interval\n", "flags interval\nsize 4\n", 1))
		table := NewTable(netfilter.IPv4)
		checkUnchanged(t, table, first)

		second := Spec{Destinations: many(netfilter.IPv4, 10)}
		if report := apply(t, table, second); !report.WroteChain {
			t.Errorf("report %+v", report)
		}
		listed := list(t, netfilter.IPv4)
		if strings.Contains(listed, "size 4") || strings.Count(listed, ": goto") != 10 {
			t.Errorf("the table is\n%s", listed)
		}
		checkUnchanged(t, table, second)
	})
}
