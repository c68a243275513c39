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

// checkEdit applies a Spec that differs from the table only in ranges. It fails
// unless one transaction exchanges the elements, rules and chains keep their
// handles, and so their counters, and the table is that of the Spec's text, which
// is in the kernel afterwards.
func checkEdit(t *testing.T, table *Table, s Spec) {
	t.Helper()
	elements := regexp.MustCompile(`(?s)\n\s*elements = \{.*?\}`)
	handles := func() string {
		return elements.ReplaceAllString(nftOutput(t, "-a", "list", "table", s.Family.NFT(), TableName), "")
	}
	before, generation := handles(), netns.Generation(t)
	if report := apply(t, table, s); !report.WroteChain || report.WroteJump {
		t.Errorf("report %+v", report)
	}
	if after := netns.Generation(t); after != generation+1 {
		t.Errorf("%d transactions, want 1", after-generation)
	}
	if diff := cmp.Diff(before, handles()); diff != "" {
		t.Errorf("besides elements the edit changed (-before +after):\n%s", diff)
	}
	edited := list(t, s.Family)
	checkUnchanged(t, table, s)
	nft(t, s.String())
	if diff := cmp.Diff(edited, list(t, s.Family)); diff != "" {
		t.Errorf("edited table (-netlink +text):\n%s", diff)
	}
}

// TestEditExchangesElements edits the ranges of destinations.
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
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) {
				first := Spec{Destinations: intervals("10.0.0.0-10.255.255.255 keep, 172.16.0.0-172.31.255.255 keep")}
				second := Spec{Destinations: intervals(edit)}
				table := NewTable(netfilter.IPv4)
				apply(t, table, first)
				for _, s := range []Spec{second, {}, first} {
					checkEdit(t, table, s)
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

// TestRejectedEditReplacesTheTable has a map that has no room for more elements.
func TestRejectedEditReplacesTheTable(t *testing.T) {
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

// TestEditOfSourcesExchangesElements edits the source ranges, alone and together
// with the destinations.
func TestEditOfSourcesExchangesElements(t *testing.T) {
	for family, of := range map[netfilter.Family]struct{ first, second, third, keep string }{
		netfilter.IPv4: {"10.244.0.0-10.244.255.255", "10.244.1.0-10.244.1.255 192.0.2.1-192.0.2.1", "0.0.0.0-255.255.255.255", "10.0.0.0-10.255.255.255 keep"},
		netfilter.IPv6: {"fd00:1::-fd00:1:ffff:ffff:ffff:ffff:ffff:ffff", "fd00:1::-fd00:1::ffff 2001:db8::1-2001:db8::1", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fd00::-fd00::ff keep"},
	} {
		t.Run(family.String(), func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) {
				first := Spec{Family: family, OnlySources: true, Sources: ranges(of.first)}
				table := NewTable(family)
				apply(t, table, first)
				for _, s := range []Spec{
					{Family: family, OnlySources: true, Sources: ranges(of.second)},
					{Family: family, OnlySources: true},
					{Family: family, OnlySources: true, Sources: ranges(of.third)},
					{Family: family, OnlySources: true, Sources: ranges(of.second), Destinations: intervals(of.keep)},
					first,
				} {
					checkEdit(t, table, s)
				}
				// The set comes and goes with the key, for which the table is replaced.
				for _, s := range []Spec{{Family: family}, first} {
					apply(t, table, s)
					checkUnchanged(t, table, s)
				}
			})
		})
	}
}

// TestDifferencesOfSources: what doctor prints for a set that was edited by hand.
func TestDifferencesOfSources(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		s := specs()["sources and ports"]
		table := NewTable(s.Family)
		apply(t, table, s)
		nft(t, "delete element ip ip-masq-agent sources { 10.0.0.0/24 }\nadd element ip ip-masq-agent sources { 198.51.100.0/24 }")
		got, err := table.Differences(s)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"- element 10.0.0.0/24 of set sources", "+ element 198.51.100.0/24 of set sources"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		nft(t, "delete rule ip ip-masq-agent postrouting handle "+handleOf(t, "saddr != @sources"))
		if got, err := table.Differences(s); err != nil || len(got) != 1 || got[0] != "chain postrouting has 3 rules instead of 4" {
			t.Errorf("without the rule: %q, %v", got, err)
		}
		apply(t, table, s)
		checkUnchanged(t, table, s)
		// The same rule without its negation, in the same place.
		nft(t, "replace rule ip ip-masq-agent postrouting handle "+handleOf(t, "saddr != @sources")+
			` ip saddr @sources goto kept comment "ip-masq-agent: all other sources are not subject to MASQUERADE"`)
		if got, err := table.Differences(s); err != nil || len(got) != 1 || got[0] != `rule 2 of chain postrouting is not "ip saddr != @sources goto kept"` {
			t.Errorf("with another rule: %q, %v", got, err)
		}
		apply(t, table, s)
		checkUnchanged(t, table, s)
	})
}

// handleOf returns the handle of the rule that has a text.
func handleOf(t *testing.T, text string) string {
	t.Helper()
	for line := range strings.Lines(nftOutput(t, "-a", "list", "table", "ip", TableName)) {
		if _, handle, found := strings.Cut(strings.TrimSpace(line), "# handle "); found && strings.Contains(line, text) {
			return handle
		}
	}
	t.Fatalf("no rule has %q", text)
	return ""
}
