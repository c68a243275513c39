// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package packets_test

import (
	"net/netip"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
)

// testbed is a node with a pod and two links to the outside, which accepts
// packets to every address:
//
//	pod eth0 -- pod0 node out0 -- out0 outside
//	                 node wg0  -- wg0  outside
type testbed struct {
	node, pod, outside *netns.NS
	observer           *observer
	sourcePort         uint16 // the source port of the last packet
	sent               uint64 // the number of packets
	patience           time.Duration
}

// network is the addresses of one family.
type network struct {
	name       string // IPv4 or IPv6
	nft        string // the name of the family, and of its header, in nft
	pods       []netip.Addr
	podNet     netip.Prefix
	node       map[string]netip.Addr // by device
	peer       map[string]netip.Addr // outside, by device
	links      []netip.Prefix
	behindWG   []netip.Prefix // the CIDRs that the node routes to wg0
	translated netip.Prefix   // the addresses that rules translate to
	prefixes   []netip.Prefix // the CIDRs in rules and configurations
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func networks() []*network {
	return []*network{{
		name: "IPv4", nft: "ip",
		pods:       []netip.Addr{addr("10.244.1.2"), addr("10.244.1.3"), addr("10.244.9.9")},
		podNet:     netip.MustParsePrefix("10.244.0.0/16"),
		node:       map[string]netip.Addr{"out0": addr("192.0.2.1"), "wg0": addr("198.18.0.1"), "pod0": addr("10.244.0.1")},
		peer:       map[string]netip.Addr{"out0": addr("192.0.2.2"), "wg0": addr("198.18.0.2")},
		links:      prefixes("192.0.2.0/24", "198.18.0.0/24"),
		behindWG:   prefixes("172.30.0.0/16", "10.30.0.0/16"),
		translated: netip.MustParsePrefix("100.64.0.0/16"),
		prefixes: prefixes("10.0.0.0/8", "10.8.0.0/13", "10.30.0.0/16", "10.9.7.0/24", "10.9.7.5/32", "172.16.0.0/12", "172.30.4.0/22",
			"192.168.0.0/16", "203.0.113.0/24", "203.0.113.64/27", "203.0.113.65/32", "8.8.8.0/24"),
	}, {
		name: "IPv6", nft: "ip6",
		pods:       []netip.Addr{addr("fd00:244:1::2"), addr("fd00:244:1::3"), addr("fd00:244:9::9")},
		podNet:     netip.MustParsePrefix("fd00:244::/32"),
		node:       map[string]netip.Addr{"out0": addr("2001:db8:0:1::1"), "wg0": addr("2001:db8:0:2::1"), "pod0": addr("fd00:244::1")},
		peer:       map[string]netip.Addr{"out0": addr("2001:db8:0:1::2"), "wg0": addr("2001:db8:0:2::2")},
		links:      prefixes("2001:db8:0:1::/64", "2001:db8:0:2::/64"),
		behindWG:   prefixes("fd30::/16", "2001:db8:30::/48"),
		translated: netip.MustParsePrefix("fd64::/64"),
		prefixes: prefixes("fd00::/8", "fd08::/13", "fd30::/16", "fd09:7::/32", "fd09:7::5/128", "2001:db8::/32", "2001:db8:30:4::/62",
			"2001:db8:7::/48", "2001:db8:7:40::/59", "2001:db8:7:41::1/128", "2000::/3", "2001:4860::/32"),
	}}
}

func newTestbed(t *testing.T) *testbed {
	t.Helper()
	w := &testbed{node: netns.Here(t), pod: netns.New(t), outside: netns.New(t), sourcePort: 10_000, patience: patience}
	for _, ns := range []*netns.NS{w.node, w.pod, w.outside} {
		ns.Sysctl(t, "net/ipv4/conf/all/rp_filter", "0")
		ns.Sysctl(t, "net/ipv4/conf/default/rp_filter", "0")
	}
	w.node.Forward(t)
	netns.Connect(t, w.node, "pod0", w.pod, "eth0")
	for _, dev := range []string{"out0", "wg0"} {
		netns.Connect(t, w.node, dev, w.outside, dev)
	}
	for _, n := range networks() {
		w.node.Address(t, "pod0", prefixOf(n.node["pod0"], n.podNet))
		for _, a := range n.pods {
			w.pod.Address(t, "eth0", prefixOf(a, n.podNet))
		}
		w.pod.Route(t, "default", n.node["pod0"].String())
		for i, dev := range []string{"out0", "wg0"} {
			w.node.Address(t, dev, prefixOf(n.node[dev], n.links[i]))
			w.outside.Address(t, dev, prefixOf(n.peer[dev], n.links[i]))
		}
		w.node.Route(t, "default", n.peer["out0"].String())
		for _, p := range n.behindWG {
			w.node.Route(t, p.String(), n.peer["wg0"].String())
		}
		for _, p := range []netip.Prefix{n.podNet, n.translated} {
			w.outside.Route(t, p.String(), n.node["out0"].String())
		}
		everything := map[string]string{"IPv4": "0.0.0.0/0", "IPv6": "::/0"}[n.name]
		w.outside.IP(t, "route add local "+everything+" dev lo table main")
	}
	w.observer = observe(t, w.outside)
	for _, n := range networks() { // fill the neighbor tables before there are rules
		for _, source := range n.pods {
			for _, to := range []netip.Addr{n.prefixes[0].Addr().Next(), n.behindWG[0].Addr().Next()} {
				for _, s := range w.probe(t, source, to, patience) {
					if s.source != source {
						t.Fatalf("packet to %s without rules: %v, want source %s", to, s, source)
					}
				}
			}
		}
	}
	return w
}

func prefixOf(a netip.Addr, p netip.Prefix) string { return netip.PrefixFrom(a, p.Bits()).String() }
