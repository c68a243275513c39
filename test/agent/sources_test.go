// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// lastFrom is the last rule of a source range.
func lastFrom(source string) string { return strings.Replace(last, " -m ", " -s "+source+" -m ", 1) }

// exceptFrom is the rule that masquerades cidr, an exception, for a source range.
func exceptFrom(source, cidr string) string {
	return strings.Replace(except(cidr), " -d ", " -s "+source+" -d ", 1)
}

// podRange is the range of the node's pods.
func (n *node) podRange() string { return n.pick("10.244.0.0/16", "fd00:244::/32") }

// sourcesWorld is a world with a second address of the node, and a port of the
// node that leads to the pod, as a NodePort does.
type sourcesWorld struct {
	*world
	second netip.Addr // of the node, which outside can reach
	client netip.Addr // outside's
}

func newSourcesWorld(n *node) *sourcesWorld {
	n.t.Helper()
	w := &sourcesWorld{world: newWorld(n),
		second: netip.MustParseAddr(n.pick("192.0.2.77", "2001:db8::77")),
		client: netip.MustParseAddr(n.pick("192.0.2.2", "2001:db8::2"))}
	// Deprecated, so that the node takes it only if a program asks for it.
	w.here.IP(n.t, "address add "+w.second.String()+n.pick("/24 dev out0", "/64 dev out0 nodad preferred_lft 0"))
	netns.Serve(n.t, w.pod, ":8080")
	n.restore("*nat", "-A PREROUTING -d "+w.nodeAddr.String()+n.pick("/32", "/128")+
		" -p tcp -m tcp --dport 30080 -j DNAT --to-destination "+net.JoinHostPort(w.podAddr.String(), "8080"), "COMMIT")
	return w
}

// fromNode returns the source that outside sees of a connection of the node from
// its second address.
func (w *sourcesWorld) fromNode() netip.Addr {
	w.t.Helper()
	source, err := netns.DialFrom(w.here, w.second, net.JoinHostPort(w.publicAddr(), "8080"))
	if err != nil {
		w.t.Fatal(err)
	}
	return source.Addr()
}

// inbound returns the source that the pod sees of a connection of the client to
// the port of the node.
func (w *sourcesWorld) inbound() netip.Addr {
	w.t.Helper()
	source, err := netns.Dial(w.outside, net.JoinHostPort(w.nodeAddr.String(), "30080"))
	if err != nil {
		w.t.Fatal(err)
	}
	return source.Addr()
}

// TestSourcesArePodsOnly has the traffic that is masqueraded by accident without
// sourceCIDRs: a client of a pod, and the node's own.
func TestSourcesArePodsOnly(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newSourcesWorld(n)
		const all = "nonMasqueradeCIDRs: []\n"
		local := n.pick("169.254.0.0/16", "fe80::/10")
		n.startRight(all, chain(local))
		w.sees(w.nodeAddr, w.publicAddr())
		if got := w.fromNode(); got != w.nodeAddr {
			n.t.Errorf("without sourceCIDRs outside sees the node as %s, want %s", got, w.nodeAddr)
		}
		if got := w.inbound(); got == w.client {
			n.t.Error("without sourceCIDRs the pod sees the client's address, so this test shows nothing")
		}

		n.config.write(n.t, all+"sourceCIDRs: ['"+n.podRange()+"']\n")
		n.wait([]string{"-N IP-MASQ", keep(local), lastFrom(n.podRange())})
		w.sees(w.nodeAddr, w.publicAddr())
		w.sees(w.nodeAddr, w.privateAddr())
		if got := w.fromNode(); got != w.second {
			n.t.Errorf("outside sees the node as %s, want %s", got, w.second)
		}
		if got := w.inbound(); got != w.client {
			n.t.Errorf("the pod sees the client as %s, want %s", got, w.client)
		}

		// Ranges of the other family only: nothing is masqueraded.
		if n.family == "IPv6" {
			n.config.write(n.t, all+"sourceCIDRs: [10.244.0.0/16]\n")
			n.wait([]string{"-N IP-MASQ", keep(local)})
			w.sees(w.podAddr, w.publicAddr())
		}
		// A range beside the pod.
		beside := n.pick("10.244.1.3/32", "fd00:244:1::3/128")
		n.config.write(n.t, all+"sourceCIDRs: ['"+beside+"']\n")
		n.wait([]string{"-N IP-MASQ", keep(local), lastFrom(beside)})
		w.sees(w.podAddr, w.publicAddr())

		n.config.write(n.t, all) // without the key the chain is as before
		n.wait(chain(local))
		w.sees(w.nodeAddr, w.publicAddr())
	})
}

// TestSourcesWithExceptionsAndPorts: an exception masquerades pods alone, and to
// the ports of --to-ports.
func TestSourcesWithExceptionsAndPorts(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newSourcesWorld(n)
		public := n.pick("203.0.113.0/24", "2001:db8:7::/48")
		pod := w.podAddr.String() + n.pick("/32", "/128")
		n.config.write(n.t, "nonMasqueradeCIDRs: ['"+n.pick("0.0.0.0/0", "::/0")+"']\nmasqueradeCIDRs: ['"+public+
			"']\nsourceCIDRs: ['"+n.pick("192.0.2.200/32", "2001:db8::200/128")+"', '"+pod+"']\n")
		n.start("--to-ports=2001-2100,40001-40100")
		w.sees(w.nodeAddr, w.publicAddr())
		w.sees(w.podAddr, w.privateAddr())
		low, high := 0, 0
		for range 50 {
			switch port := w.fromPod(w.publicAddr()).Port(); {
			case 2001 <= port && port <= 2100:
				low++
			case 40001 <= port && port <= 40100:
				high++
			default:
				n.t.Errorf("port %d is in neither range", port)
			}
		}
		// Half each: one of them missing 50 times is a chance of 2 to the -49.
		if low == 0 || high == 0 {
			n.t.Errorf("of 50 connections, %d and %d had ports of the two ranges", low, high)
		}
		if got := w.fromNode(); got != w.second {
			n.t.Errorf("outside sees the node as %s, want %s", got, w.second)
		}
		if got := w.inbound(); got != w.client {
			n.t.Errorf("the pod sees the client as %s, want %s", got, w.client)
		}
	})
}
