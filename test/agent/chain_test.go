// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

const (
	toPorts       = `-A IP-MASQ -p PROTO -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --to-ports `
	toPortsChance = `-A IP-MASQ -p PROTO -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -m statistic --mode random --probability `
)

// forEachProtocol repeats rules for the protocols that have ports.
func forEachProtocol(rules ...string) (all []string) {
	for _, protocol := range []string{"tcp", "udp", "sctp"} {
		for _, r := range rules {
			all = append(all, strings.Replace(r, "PROTO", protocol, 1))
		}
	}
	return all
}

func TestChain(t *testing.T) {
	reserved := []string{"169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24",
		"192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"}
	defaults := chain("169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
	defaults6 := chain("fe80::/10")
	lastFixed := strings.TrimSuffix(last, " --random-fully")
	tests := []struct {
		name   string
		config string
		args   []string
		want   []string
		want6  []string // the same agent's IPv6 chain
	}{
		{name: "empty file", config: "", want: defaults, want6: defaults6},
		{name: "only comments", config: "# nothing yet\n", want: defaults, want6: defaults6},
		{name: "reserved ranges", args: []string{"--nomasq-all-reserved-ranges"}, want: chain(reserved...), want6: defaults6},
		{name: "file over reserved ranges", args: []string{"--nomasq-all-reserved-ranges"}, config: "nonMasqueradeCIDRs: [10.0.0.0/8]",
			want: chain("169.254.0.0/16", "10.0.0.0/8"), want6: defaults6},
		{name: "empty list", config: "nonMasqueradeCIDRs: []", want: chain("169.254.0.0/16"), want6: defaults6},
		{name: "null list", config: "nonMasqueradeCIDRs:", want: chain("169.254.0.0/16"), want6: defaults6},
		{name: "everything", config: "nonMasqueradeCIDRs: [0.0.0.0/0]",
			want:  []string{"-N IP-MASQ", keep("169.254.0.0/16"), strings.Replace(keep("ALL"), "-d ALL ", "", 1), last},
			want6: defaults6},
		{name: "both families in one list", args: []string{"--enable-ipv6"}, config: "nonMasqueradeCIDRs: ['fd00::1/8', 10.1.2.3/8, '2001:db8::/32']",
			want: chain("169.254.0.0/16", "10.0.0.0/8"), want6: chain("fe80::/10", "fd00::/8", "2001:db8::/32")},
		{name: "JSON", config: `{"nonMasqueradeCIDRs": ["172.16.0.0/12"], "masqLinkLocal": true, "masqLinkLocalIPv6": true, "resyncInterval": "5s"}`,
			want: chain("172.16.0.0/12"), want6: chain()},
		{name: "keys in any case", config: "NonMasqueradeCIDRs: [10.0.0.0/8]\nMASQLINKLOCAL: yes\nresyncinterval: 60\n",
			want: chain("10.0.0.0/8"), want6: defaults6},
		{name: "link-local masqueraded", config: "masqLinkLocal: true",
			want: chain("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"), want6: defaults6},
		{name: "link-local IPv6 masqueraded", config: "masqLinkLocalIPv6: true", want: defaults, want6: chain()},
		{name: "a range twice", config: "nonMasqueradeCIDRs: [10.0.0.0/8, 10.0.0.0/8, 10.9.9.9/8]", want: chain("169.254.0.0/16", "10.0.0.0/8"), want6: defaults6},
		{name: "not random", args: []string{"--random-fully=false"}, config: "nonMasqueradeCIDRs: []",
			want:  []string{"-N IP-MASQ", keep("169.254.0.0/16"), lastFixed},
			want6: []string{"-N IP-MASQ", keep("fe80::/10"), lastFixed}},
		{name: "one port range", args: []string{"--to-ports=32768-65535"}, config: "nonMasqueradeCIDRs: []",
			want:  slices.Concat([]string{"-N IP-MASQ", keep("169.254.0.0/16")}, forEachProtocol(toPorts+"32768-65535 --random-fully"), []string{last}),
			want6: slices.Concat([]string{"-N IP-MASQ", keep("fe80::/10")}, forEachProtocol(toPorts+"32768-65535 --random-fully"), []string{last})},
		// 28,976 of 61,744 ports are in the first range.
		{name: "two port ranges", args: []string{"--to-ports=1024-29999,32768-65535", "--random-fully=false"}, config: "nonMasqueradeCIDRs: []",
			want: slices.Concat([]string{"-N IP-MASQ", keep("169.254.0.0/16")},
				forEachProtocol(toPortsChance+"0.46929256292 -j MASQUERADE --to-ports 1024-29999", toPorts+"32768-65535"), []string{lastFixed}),
			want6: slices.Concat([]string{"-N IP-MASQ", keep("fe80::/10")},
				forEachProtocol(toPortsChance+"0.46929256292 -j MASQUERADE --to-ports 1024-29999", toPorts+"32768-65535"), []string{lastFixed})},
		// A quarter of all, a third of the rest, and the rest.
		{name: "three port ranges", args: []string{"--to-ports=2001-3000,4001-5000,6001-8000"}, config: "nonMasqueradeCIDRs: []",
			want: slices.Concat([]string{"-N IP-MASQ", keep("169.254.0.0/16")},
				forEachProtocol(toPortsChance+"0.25000000000 -j MASQUERADE --to-ports 2001-3000 --random-fully",
					toPortsChance+"0.33333333349 -j MASQUERADE --to-ports 4001-5000 --random-fully", toPorts+"6001-8000 --random-fully"), []string{last}),
			want6: slices.Concat([]string{"-N IP-MASQ", keep("fe80::/10")},
				forEachProtocol(toPortsChance+"0.25000000000 -j MASQUERADE --to-ports 2001-3000 --random-fully",
					toPortsChance+"0.33333333349 -j MASQUERADE --to-ports 4001-5000 --random-fully", toPorts+"6001-8000 --random-fully"), []string{last})},
	}
	eachNode(t, func(n *node) {
		for _, tt := range tests {
			n.run(tt.name, func(n *node) {
				n.config.write(n.t, tt.config)
				n.start(tt.args...)
				if n.family == "IPv6" {
					n.wait(tt.want6)
				} else {
					n.wait(tt.want)
				}
			})
		}
	})
}

func TestMissingFileMeansDefaults(t *testing.T) {
	eachNode(t, func(n *node) {
		p := n.start("--config=" + n.config.path() + "/is/not/there")
		n.wait(n.defaultChain())
		// Then the ConfigMap is mounted, at a path that was not there either.
		p.Stop(terminate)
		n.start()
		n.wait(n.defaultChain())
		n.config.write(n.t, n.oneRange())
		n.wait(n.oneRangeChain())
	})
}

func TestOtherChainName(t *testing.T) {
	eachIPTablesNode(t, func(n *node) {
		// The chain of this node's other agent, with a jump that is not ours.
		n.restore("*nat", ":IP-MASQ - [0:0]", "-A IP-MASQ -j RETURN", `-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ`, "COMMIT")
		for _, name := range []string{"IP-MASQ-AGENT", "a", "masq_1.2-3", "0123456789012345678901234567"} {
			p := n.start("--masq-chain=" + name)
			program.Eventually(n.t, func() string {
				var want []string
				for _, rule := range n.defaultChain() {
					want = append(want, strings.Replace(rule, "IP-MASQ", name, 1))
				}
				if diff := cmp.Diff(want, netns.List(n.t, n.backend, n.family, name)); diff != "" {
					return "chain (-want +got):\n" + diff
				}
				if want := strings.ReplaceAll(jump, "IP-MASQ", name); !slices.Contains(netns.List(n.t, n.backend, n.family, "POSTROUTING"), want) {
					return "POSTROUTING has no " + want
				}
				return ""
			})
			p.Stop(terminate)
		}
		if diff := cmp.Diff([]string{"-N IP-MASQ", "-A IP-MASQ -j RETURN"}, n.chain()); diff != "" {
			n.t.Errorf("the chain of another agent (-want +got):\n%s", diff)
		}
		if got := n.jumps(); len(got) != 1 {
			n.t.Errorf("the jump of another agent: %q", got)
		}
	})
}

// TestChainNameIsNoTableName: on nftables the table's name is fixed, so that
// an operator who looks for it finds it.
func TestChainNameIsNoTableName(t *testing.T) {
	eachNFTablesNode(t, func(n *node) {
		n.start("--masq-chain=other")
		n.wait(n.defaultChain())
	})
}

func TestIPv6IsOffByDefault(t *testing.T) {
	for _, backend := range netns.Backends() {
		t.Run(backend, func(t *testing.T) {
			netns.Require(t, append(netns.Tools(backend, "IPv4"), netns.Tools(backend, "IPv6")...)...)
			netns.Run(t, func(t *testing.T) {
				n := newNode(t, backend, "IPv4")
				n.startRight("resyncInterval: 100ms", n.defaultChain())
				n.do(n.rules.Flush)
				n.wait(n.defaultChain()) // a second pass is done
				if tables := netns.LegacyTables(t, "IPv6"); len(tables) != 0 {
					t.Errorf("ip6tables has tables without --enable-ipv6: %q", tables)
				}
				if backend != "iptables-legacy" {
					if got := netns.List(t, "iptables-nft", "IPv6", "IP-MASQ"); got != nil {
						t.Errorf("ip6tables has a chain without --enable-ipv6: %q", got)
					}
				}
				if newOther(n).rules.Exist(t) {
					t.Errorf("there are IPv6 rules without --enable-ipv6:\n%s", newOther(n).rules.List(t))
				}
			})
		})
	}
}
