// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestSpecOf tests that a table read from the kernel is the one that was written.
func TestSpecOf(t *testing.T) {
	tests := map[string]Spec{
		"empty":       {},
		"ranges":      {Destinations: intervals("10.0.0.0-10.8.255.255 keep, 10.9.0.0-10.9.255.255 masquerade, 192.0.2.1-192.0.2.1 keep")},
		"sources":     {Destinations: intervals("10.0.0.0-10.255.255.255 keep"), OnlySources: true, Sources: ranges("10.4.0.0-10.7.255.255 10.9.0.0-10.9.0.0")},
		"no sources":  {Destinations: intervals("10.0.0.0-10.255.255.255 keep"), OnlySources: true},
		"everything":  {Destinations: intervals("0.0.0.0-255.255.255.255 keep"), OnlySources: true, Sources: ranges("0.0.0.0-255.255.255.255")},
		"IPv6 ranges": {Family: netfilter.IPv6, Destinations: intervals("fd00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff keep"), OnlySources: true, Sources: ranges("2001:db8::-2001:db8::ffff")},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			netns.Run(t, func(t *testing.T) {
				written := want
				written.RandomFully, written.ToPorts = true, []netfilter.PortRange{{From: 2000, To: 3000}}
				if _, err := NewTable(want.Family).Apply(t.Context(), written); err != nil {
					t.Fatal(err)
				}
				conn, err := Dial()
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				rules, err := conn.Postrouting()
				if err != nil {
					t.Fatal(err)
				}
				at := slices.IndexFunc(rules.Tables, func(table *netfilter.Table) bool { return table.Name == TableName })
				if at < 0 {
					t.Fatal("the table was not read")
				}
				got, ok := SpecOf(want.Family, rules.Tables[at])
				if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty()); diff != "" || !ok {
					t.Errorf("%t (-want +got):\n%s", ok, diff)
				}
			})
		})
	}
}
