// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package versions_test

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
	"ip-masq-agent/test/netns"
)

// TestRead reads the agent's rules from the kernel as each version of
// iptables-nft writes them. All must have the same meaning and the text of
// iptables -S.
func TestRead(t *testing.T) {
	for _, family := range []string{"IPv4", "IPv6"} {
		t.Run(family, func(t *testing.T) {
			netns.Run(t, func(t *testing.T) {
				path := os.Getenv("PATH")
				dirs := commands(t)
				conn, err := nftables.Dial()
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				var first map[string][][]netfilter.Step
				for _, s := range suites {
					t.Setenv("PATH", dirs[s]+":"+path)
					netns.Restore(t, "iptables-nft", family, restorable(family))
					steps := map[string][][]netfilter.Step{}
					for name, want := range map[string][]string{"IP-MASQ": chain(family)[1:], "POSTROUTING": {jump}} {
						got, err := conn.Chain(familyOf(family), "nat", name)
						if err != nil {
							t.Fatal(err)
						}
						var texts []string
						for _, r := range got.Rules {
							texts = append(texts, r.Text)
							steps[name] = append(steps[name], ordered(r.Steps, family))
							if r.Native {
								t.Errorf("%s: native: %s", s, r.Text)
							}
						}
						if diff := cmp.Diff(want, texts); diff != "" {
							t.Errorf("%s: rules of %s (-want +got):\n%s", s, name, diff)
						}
					}
					if first == nil {
						first = steps
					}
					if diff := cmp.Diff(first, steps, meaning()); diff != "" {
						t.Errorf("rules of %s and %s (-%[1]s +%[2]s):\n%[3]s", suites[0], s, diff)
					}
					checkFates(t, s, conn, family)
					netns.IPTables(t, "iptables-nft", family, "-F")
					netns.IPTables(t, "iptables-nft", family, "-X")
				}
			})
		})
	}
}

// checkFates compares what the rules do to packets with what the configuration
// says, for pods of one CIDR.
func checkFates(t *testing.T, version string, conn *nftables.Conn, family string) {
	t.Helper()
	rules, err := conn.Postrouting()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]struct {
		source, destination string
		want                netfilter.Fate
	}{
		"IPv4": {
			{"10.64.0.1", "10.9.127.255", netfilter.Masqueraded},
			{"10.64.0.1", "10.9.128.0", netfilter.Kept},
			{"10.64.0.1", "192.0.2.7", netfilter.Kept},
			{"10.64.0.1", "192.0.2.8", netfilter.Masqueraded},
			{"10.128.0.1", "192.0.2.8", netfilter.Kept},
		},
		"IPv6": {
			{"fd00:64::1", "fd00:9::1", netfilter.Masqueraded},
			{"fd00:64::1", "fd00:a::1", netfilter.Kept},
			{"fd00:64::1", "2001:db8:7fff::1", netfilter.Kept},
			{"fd00:64::1", "2001:db8:8000::1", netfilter.Masqueraded},
			{"fd00:65::1", "2001:db8:8000::1", netfilter.Kept},
		},
	}
	for _, tt := range tests[family] {
		got := rules.Walk(netfilter.Packet{
			Source: netip.MustParseAddr(tt.source), Destination: netip.MustParseAddr(tt.destination),
			SourceType: netfilter.TypeUnicast, DestinationType: netfilter.TypeUnicast, Protocol: 6,
		}).Fate()
		if got != tt.want {
			t.Errorf("%s: %s to %s: %q, want %q", version, tt.source, tt.destination, got, tt.want)
		}
	}
}

// ordered returns the steps of a rule in one order, so that rules of different
// versions can be compared. It sorts the conditions, and makes the protocol a
// field of the IPv4 header: versions of iptables until 1.8.9 match the protocol
// first, with meta l4proto, and versions since 1.8.11 match the byte in the
// header after the addresses.
func ordered(steps []netfilter.Step, family string) []netfilter.Step {
	text := func(s netfilter.Step) string {
		if c, ok := s.(netfilter.Condition); ok {
			return c.Text
		}
		return "verdict"
	}
	header := netfilter.Operand{Field: netfilter.NetworkHeader, Offset: 9, Length: 1}
	steps = slices.Clone(steps)
	for i, s := range steps {
		if c, ok := s.(netfilter.Condition); ok && family == "IPv4" && cmp.Equal(c.Key, []netfilter.Operand{header}) {
			c.Key = []netfilter.Operand{{Field: netfilter.L4Proto, Length: 1}}
			steps[i] = c
		}
	}
	slices.SortFunc(steps, func(a, b netfilter.Step) int { return strings.Compare(text(a), text(b)) })
	return steps
}

// meaning ignores texts and takes nil and empty lists as equal.
func meaning() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreFields(netfilter.Condition{}, "Text"),
		cmpopts.EquateEmpty(),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	}
}

func familyOf(name string) netfilter.Family {
	if name == "IPv6" {
		return netfilter.IPv6
	}
	return netfilter.IPv4
}
