// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// manyChains is a table that is larger than maxWindow.
func manyChains() string {
	var chains, rules strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&chains, ":KUBE-%04d - [0:0]\n", i)
		fmt.Fprintf(&rules, "-A KUBE-%04d -m comment --comment service -j RETURN\n", i)
	}
	return "*nat\n" + chains.String() + rules.String() + "COMMIT\n"
}

// TestEntriesOfALargeTable: of a large table the start is read, in which our
// chain is; one that comes later is left to iptables-legacy-save.
func TestEntriesOfALargeTable(t *testing.T) {
	legacyTest(t, func(t *testing.T, family string, n *NAT) {
		netns.Restore(t, "iptables-legacy", family, manyChains())
		if info, err := n.readLegacyInfo(); err != nil || int(info.size) <= maxWindow {
			t.Fatalf("the table has %d bytes, %v: want more than %d", info.size, err, maxWindow)
		}
		if s, ok := n.readEntries("IP-MASQ"); !ok || s.chain != nil {
			t.Errorf("without the chain: %+v, %v", s.chain, ok)
		}
		for _, tt := range []struct {
			chain      string
			understood bool
		}{{"IP-MASQ", true}, {"KUBE-0500", true}, {"ZZZ", false}} {
			c := wanted(family)
			c.Name, c.Jump.Target = tt.chain, tt.chain
			for _, write := range []bool{true, false} {
				report, err := n.Apply(t.Context(), c)
				if err != nil || report.WroteChain != write {
					t.Errorf("%s: Apply() = %+v, %v, want a write: %v", tt.chain, report, err, write)
				}
			}
			if s, ok := n.readEntries(tt.chain); ok != tt.understood || ok && len(s.chain.Rules) != len(c.Rules) {
				t.Errorf("%s: understood = %v, %+v", tt.chain, ok, s.chain)
			}
		}
	})
}

// TestHasLegacyChain: it knows the chains of every table, and creates no table.
func TestHasLegacyChain(t *testing.T) {
	legacyTest(t, func(t *testing.T, family string, n *NAT) {
		netns.Restore(t, "iptables-legacy", family, manyChains())
		netns.Restore(t, "iptables-legacy", family, "*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n")
		tests := []struct {
			table, chain string
			has, known   bool
		}{
			{"mangle", "KUBE-IPTABLES-HINT", true, true},
			{"mangle", "KUBE-KUBELET-CANARY", false, true},
			{"mangle", "PREROUTING", false, true}, // not a user-defined one
			{"nat", "IP-MASQ", false, true},
			{"nat", "KUBE-0001", true, true},
			{"nat", "KUBE-0001A", false, true},
			{"nat", "KUBE-KUBELET-CANARY", false, false}, // too far in
			{"no such table", "KUBE-0001", false, false},
		}
		for _, tt := range tests {
			if has, known := HasLegacyChain(n.family, tt.table, tt.chain); has != tt.has || known != tt.known {
				t.Errorf("table %s, chain %s: %v, %v, want %v, %v", tt.table, tt.chain, has, known, tt.has, tt.known)
			}
		}
	})
}

// FuzzEntries: whatever the bytes are, they are not read beyond their end.
func FuzzEntries(f *testing.F) {
	f.Add([]byte{}, false)
	f.Add(make([]byte, 400), true)
	f.Fuzz(func(t *testing.T, data []byte, ipv6 bool) {
		family := familyOf("IPv4")
		if ipv6 {
			family = familyOf("IPv6")
		}
		table := entries{family: family, layout: layoutOf(family), data: data, size: len(data)}
		info := legacyInfo{validHooks: 1 << 4, underflow: [5]uint32{4: uint32(len(data))}}
		table.state(info, "IP-MASQ")
		for offset := range min(len(data), 400) {
			table.rules("IP-MASQ", offset)
		}
	})
}
