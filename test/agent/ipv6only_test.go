// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"net/netip"
	"testing"

	"ip-masq-agent/test/netns"
)

// TestIPv6OnlyPods has pods with only IPv6 addresses on a node with addresses
// of both families. With the defaults a pod reaches an outside server with the
// node's IPv6 address. The IPv4 rules affect only IPv4: the node's own
// connections to a private range are not masqueraded.
func TestIPv6OnlyPods(t *testing.T) {
	for _, value := range []string{"true", "auto"} {
		for _, backend := range netns.Backends() {
			t.Run(value+"/"+backend, func(t *testing.T) {
				netns.Require(t, append(netns.Tools(backend, "IPv4"), netns.Tools(backend, "IPv6")...)...)
				netns.Run(t, func(t *testing.T) {
					testIPv6OnlyPods(newNode(t, backend, "IPv6"), "--enable-ipv6="+value)
				})
			})
		}
	}
}

func testIPv6OnlyPods(n *node, flag string) {
	w := newTestbed(n)
	w.here.Address(n.t, "out0", "192.0.2.1/24")
	w.outside.Address(n.t, "eth0", "192.0.2.2/24", "10.9.0.9/32")
	w.here.Route(n.t, "10.9.0.9/32", "192.0.2.2")
	w.here.Address(n.t, "pod0", "10.244.1.1/24") // a second address of the node
	w.outside.Route(n.t, "10.244.1.0/24", "192.0.2.1")

	n.start(flag)
	ipv4 := otherFamilyNode(n)
	ipv4.wait(ipv4.defaultChain())
	n.wait(n.defaultChain())
	w.waitSource(w.nodeAddr, w.publicAddr())
	w.waitSource(w.nodeAddr, w.privateAddr())

	// The node's connection over IPv4 to a private range is not masqueraded.
	want := netip.MustParseAddr("10.244.1.1")
	got, err := netns.DialFrom(w.here, want, "10.9.0.9:8080")
	if err != nil {
		n.t.Fatal(err)
	}
	if got.Addr() != want {
		n.t.Errorf("10.9.0.9 sees %s, want %s", got.Addr(), want)
	}

	// Connections of pods to a CIDR of the file are not masqueraded.
	n.config.write(n.t, "nonMasqueradeCIDRs: ['fd00:9::/32']\nresyncInterval: 100ms\n")
	w.waitSource(w.podAddr, w.privateAddr())
	w.waitSource(w.nodeAddr, w.publicAddr())
}
