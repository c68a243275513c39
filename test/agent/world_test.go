// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"net"
	"net/netip"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// world is a node with a pod on it and a network outside, as
//
//	pod eth0 -- pod0 node out0 -- eth0 outside
//
// where outside serves on several addresses and says whom it saw.
type world struct {
	*node
	pod, here, outside *netns.NS
	podAddr, nodeAddr  netip.Addr // what outside can see of the two
}

// The addresses of the world outside, by family.
func (n *node) privateAddr() string   { return n.pick("10.9.0.9", "fd00:9::9") }
func (n *node) publicAddr() string    { return n.pick("203.0.113.7", "2001:db8:7::7") }
func (n *node) linkLocalAddr() string { return n.pick("169.254.169.254", "fe80::9%out0") }

func newWorld(n *node) *world {
	n.t.Helper()
	w := &world{node: n, here: netns.Here(n.t), pod: netns.New(n.t), outside: netns.New(n.t),
		podAddr:  netip.MustParseAddr(n.pick("10.244.1.2", "fd00:244:1::2")),
		nodeAddr: netip.MustParseAddr(n.pick("192.0.2.1", "2001:db8::1"))}
	w.here.Forward(n.t)

	netns.Connect(n.t, w.here, "pod0", w.pod, "eth0")
	w.here.Address(n.t, "pod0", n.pick("10.244.1.1/24", "fd00:244:1::1/64"))
	w.pod.Address(n.t, "eth0", n.pick("10.244.1.2/24", "fd00:244:1::2/64"))
	w.pod.Route(n.t, "default", n.pick("10.244.1.1", "fd00:244:1::1"))

	netns.Connect(n.t, w.here, "out0", w.outside, "eth0")
	w.here.Address(n.t, "out0", n.pick("192.0.2.1/24", "2001:db8::1/64"))
	w.outside.Address(n.t, "eth0", n.pick("192.0.2.2/24", "2001:db8::2/64"))
	w.outside.Route(n.t, n.pick("10.244.1.0/24", "fd00:244:1::/64"), n.pick("192.0.2.1", "2001:db8::1"))
	for _, addr := range []string{n.privateAddr(), n.publicAddr(), n.pick("169.254.169.254", "")} {
		if addr == "" {
			continue
		}
		host := addr + n.pick("/32", "/128")
		w.outside.Address(n.t, "eth0", host)
		w.here.Route(n.t, host, n.pick("192.0.2.2", "2001:db8::2"))
	}
	if n.family == "IPv6" {
		w.outside.Address(n.t, "eth0", "fe80::9/64")
	}
	netns.Serve(n.t, w.outside, ":8080")
	// The kernel tracks connections from the first rule on that asks for it: on
	// a node that is kube-proxy's, here the agent's. It would then take one that
	// is half open for a new one, and masquerade the rest of it.
	if n.nftables() { // also without x_tables
		netns.NFT(n.t, "table inet world { chain forward { type filter hook forward priority 0; ct state invalid drop; }; }\n")
	} else {
		n.restore("*filter", "-A FORWARD -m conntrack --ctstate INVALID -j DROP", "COMMIT")
	}
	for _, addr := range []string{n.privateAddr(), n.publicAddr()} {
		w.sees(w.podAddr, addr)
	}
	return w
}

// fromPod returns the source that outside sees of a new connection of the pod.
// Packets between namespaces are not lost, so none may fail.
func (w *world) fromPod(destination string) netip.AddrPort {
	w.t.Helper()
	source, err := netns.Dial(w.pod, net.JoinHostPort(destination, "8080"))
	if err != nil {
		w.t.Fatal(err)
	}
	return source
}

// toLinkLocal returns what a link-local address sees. No router forwards to
// such in IPv6; there it is the node that connects, from its address towards
// the pods, which nobody would see if it were masqueraded.
func (w *world) toLinkLocal() (source, kept netip.Addr) {
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

// sees waits until outside sees want as the source of a pod's new connections.
// The first ones may have come before the agent's next tick.
func (w *world) sees(want netip.Addr, destination string) {
	w.t.Helper()
	program.Eventually(w.t, func() string {
		if got := w.fromPod(destination).Addr(); got != want {
			return destination + " sees " + got.String() + ", want " + want.String()
		}
		return ""
	})
}
