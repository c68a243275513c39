// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/netfilter"
)

// others is what the node's other programs have in the table. It must come out
// of every test as it went in.
const others = `*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-POSTROUTING - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MASQUERADE
COMMIT
`

// wanted is a chain with every kind of rule that the agent writes.
func wanted(family string) Chain {
	kept := map[string][]string{"IPv4": {"169.254.0.0/16", "198.15.5.0/24", "0.0.0.0/0"}, "IPv6": {"fe80::/10", "fd00:1::/32", "::/0"}}[family]
	c := Chain{Name: "IP-MASQ", Jump: Rule{Comment: "ensure: the jump", NotLocal: true, Target: "IP-MASQ"}}
	for _, p := range kept {
		c.Rules = append(c.Rules, Rule{Comment: "local traffic", Destination: netip.MustParsePrefix(p), Target: Return})
	}
	source := netip.MustParsePrefix(map[string]string{"IPv4": "10.244.0.0/17", "IPv6": "fd00:244::/57"}[family])
	c.Rules = append(c.Rules,
		Rule{Comment: "pods only", Source: source, Destination: netip.MustParsePrefix(kept[1]), Target: Masquerade, RandomFully: true, Protocol: "udp", ToPorts: netfilter.PortRange{From: 5, To: 6}},
		Rule{Comment: "pods only", Source: source, Target: Masquerade, RandomFully: true})
	for _, protocol := range []string{"tcp", "udp", "sctp"} {
		c.Rules = append(c.Rules,
			Rule{Comment: "last (must be)", Target: Masquerade, RandomFully: true, Protocol: protocol, Probability: 28976.0 / 61744, ToPorts: netfilter.PortRange{From: 1024, To: 29999}},
			Rule{Comment: "last (must be)", Target: Masquerade, RandomFully: true, Protocol: protocol, ToPorts: netfilter.PortRange{From: 32768, To: 65535}})
	}
	c.Rules = append(c.Rules,
		Rule{Comment: "single", Destination: netip.MustParsePrefix(kept[1]), Target: Masquerade, Protocol: "tcp", ToPorts: netfilter.PortRange{From: 4000, To: 4000}},
		Rule{Comment: "last (must be)", Target: Masquerade, RandomFully: true})
	return c
}

func familyOf(name string) netfilter.Family {
	if name == "IPv6" {
		return netfilter.IPv6
	}
	return netfilter.IPv4
}

// apply applies the chain with a new NAT and checks the report.
func apply(t *testing.T, backend, family string, c Chain, wroteChain, wroteJump bool) {
	t.Helper()
	got, err := NewNAT(familyOf(family), Backend(backend)).Apply(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if got.Cost <= 0 {
		t.Errorf("the cost is %v, want more than 0", got.Cost)
	}
	want := netfilter.Report{WroteChain: wroteChain, WroteJump: wroteJump, Rules: len(c.Rules), Cost: got.Cost}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func sorted(dump string) string {
	lines := strings.Split(dump, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
