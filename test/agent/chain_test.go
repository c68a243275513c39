// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
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

// TestMissingFileMeansDefaults starts the agent without a file, and then mounts
// one.
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

// TestIPv6IsOffByDefault checks that without --enable-ipv6 there are no IPv6
// rules.
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
