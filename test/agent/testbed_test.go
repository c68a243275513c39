// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"net"
	"net/netip"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// testbed is a node with a pod, and a network outside:
//
//	pod eth0 -- pod0 node out0 -- eth0 outside
//
// A server in outside returns to each client the source address that it sees.
type testbed struct {
	*node
	pod, here, outside *netns.NS
	podAddr, nodeAddr  netip.Addr // their addresses in the network outside
}

// Addresses of the server in outside, by family.
func (n *node) privateAddr() string   { return n.byFamily("10.9.0.9", "fd00:9::9") }
func (n *node) publicAddr() string    { return n.byFamily("203.0.113.7", "2001:db8:7::7") }
func (n *node) linkLocalAddr() string { return n.byFamily("169.254.169.254", "fe80::9%out0") }

func newTestbed(n *node) *testbed {
	n.t.Helper()
	w := &testbed{node: n, here: netns.Here(n.t), pod: netns.New(n.t), outside: netns.New(n.t),
		podAddr:  netip.MustParseAddr(n.byFamily("10.244.1.2", "fd00:244:1::2")),
		nodeAddr: netip.MustParseAddr(n.byFamily("192.0.2.1", "2001:db8::1"))}
	w.here.Forward(n.t)

	netns.Connect(n.t, w.here, "pod0", w.pod, "eth0")
	w.here.Address(n.t, "pod0", n.byFamily("10.244.1.1/24", "fd00:244:1::1/64"))
	w.pod.Address(n.t, "eth0", n.byFamily("10.244.1.2/24", "fd00:244:1::2/64"))
	w.pod.Route(n.t, "default", n.byFamily("10.244.1.1", "fd00:244:1::1"))

	netns.Connect(n.t, w.here, "out0", w.outside, "eth0")
	w.here.Address(n.t, "out0", n.byFamily("192.0.2.1/24", "2001:db8::1/64"))
	w.outside.Address(n.t, "eth0", n.byFamily("192.0.2.2/24", "2001:db8::2/64"))
	w.outside.Route(n.t, n.byFamily("10.244.1.0/24", "fd00:244:1::/64"), n.byFamily("192.0.2.1", "2001:db8::1"))
	for _, addr := range []string{n.privateAddr(), n.publicAddr(), n.byFamily("169.254.169.254", "")} {
		if addr == "" {
			continue
		}
		host := addr + n.byFamily("/32", "/128")
		w.outside.Address(n.t, "eth0", host)
		w.here.Route(n.t, host, n.byFamily("192.0.2.2", "2001:db8::2"))
	}
	if n.family == "IPv6" {
		w.outside.Address(n.t, "eth0", "fe80::9/64")
	}
	netns.Serve(n.t, w.outside, ":8080")
	// Connection tracking starts with the first rule that needs it. On a real
	// node that is a rule of kube-proxy, here it would be one of the agent. The
	// kernel would then take a half-open connection for a new one and
	// masquerade the rest of it.
	if n.nftables() { // also without x_tables
		netns.NFT(n.t, "table inet testbed { chain forward { type filter hook forward priority 0; ct state invalid drop; }; }\n")
	} else {
		n.restore("*filter", "-A FORWARD -m conntrack --ctstate INVALID -j DROP", "COMMIT")
	}
	for _, addr := range []string{n.privateAddr(), n.publicAddr()} {
		w.waitSource(w.podAddr, addr)
	}
	return w
}

// fromPod makes a connection from the pod and returns the source that outside
// sees. Packets between namespaces are not lost, so it must succeed.
func (w *testbed) fromPod(destination string) netip.AddrPort {
	w.t.Helper()
	source, err := netns.Dial(w.pod, net.JoinHostPort(destination, "8080"))
	if err != nil {
		w.t.Fatal(err)
	}
	return source
}

// toLinkLocal makes a connection to a link-local address and returns the source
// that the server sees, and the one that it would see without masquerading. In
// IPv6 no router forwards to link-local addresses, so the node connects, from
// its address on the pods' network.
func (w *testbed) toLinkLocal() (source, kept netip.Addr) {
	w.t.Helper()
	if w.family == "IPv4" {
		return w.fromPod(w.linkLocalAddr()).Addr(), w.podAddr
	}
	kept = netip.MustParseAddr("fd00:244:1::1")
	seen, err := netns.DialFrom(w.here, kept, net.JoinHostPort(w.linkLocalAddr(), "8080"))
	if err != nil {
		w.t.Fatal(err)
	}
	return seen.Addr(), kept
}

// waitSource waits until the source of the pod's new connections is want. The first
// connections may be too early for the agent's rules.
func (w *testbed) waitSource(want netip.Addr, destination string) {
	w.t.Helper()
	program.Eventually(w.t, func() string {
		if got := w.fromPod(destination).Addr(); got != want {
			return destination + " sees " + got.String() + ", want " + want.String()
		}
		return ""
	})
}
