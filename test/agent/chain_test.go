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

// forEachProtocol repeats rules for tcp, udp and sctp.
func forEachProtocol(rules ...string) (all []string) {
	for _, protocol := range []string{"tcp", "udp", "sctp"} {
		for _, r := range rules {
			all = append(all, strings.Replace(r, "PROTO", protocol, 1))
		}
	}
	return all
}

func TestMissingFileMeansDefaults(t *testing.T) {
	eachNode(t, func(n *node) {
		p := n.start("--config=" + n.config.path() + "/is/not/there")
		n.wait(n.defaultChain())
		// Mount the ConfigMap at a path that did not exist before.
		p.Stop(terminate)
		n.start()
		n.wait(n.defaultChain())
		n.config.write(n.t, n.oneRange())
		n.wait(n.oneRangeChain())
	})
}

func TestOtherChainName(t *testing.T) {
	eachIPTablesNode(t, func(n *node) {
		// The chain of another agent on the node, with a jump that is not
		// equivalent to the agent's.
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
			n.t.Errorf("the chain of the other agent changed (-want +got):\n%s", diff)
		}
		if got := n.jumps(); len(got) != 1 {
			n.t.Errorf("the jump of the other agent is missing or changed: %q", got)
		}
	})
}

// TestChainNameIsNotTheTableName checks that --masq-chain does not change the name
// of the nftables table. The table name is fixed, so that operators find it.
func TestChainNameIsNotTheTableName(t *testing.T) {
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
				n.damage(n.rules.Flush)
				n.wait(n.defaultChain()) // a second sync is done
				if tables := netns.LegacyTables(t, "IPv6"); len(tables) != 0 {
					t.Errorf("ip6tables has tables without --enable-ipv6: %q", tables)
				}
				if backend != "iptables-legacy" {
					if got := netns.List(t, "iptables-nft", "IPv6", "IP-MASQ"); got != nil {
						t.Errorf("ip6tables has a chain without --enable-ipv6: %q", got)
					}
				}
				if otherFamilyNode(n).rules.Exist(t) {
					t.Errorf("there are IPv6 rules without --enable-ipv6:\n%s", otherFamilyNode(n).rules.List(t))
				}
			})
		})
	}
}
