// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"testing"
)

// TestPacketsKeptAndMasqueraded checks the source addresses of packets, also
// after the rules were flushed.
func TestPacketsKeptAndMasqueraded(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newTestbed(n)
		n.startRight(n.oneRange(), n.oneRangeChain())
		w.waitSource(w.podAddr, w.privateAddr())
		w.waitSource(w.nodeAddr, w.publicAddr())

		// Flushed rules masquerade nothing until the agent has repaired them.
		n.damage(n.rules.Flush)
		w.waitSource(w.nodeAddr, w.publicAddr())
		w.waitSource(w.podAddr, w.privateAddr())
	})
}

// TestPacketsAfterAnEdit checks that new connections follow an edit of the
// ConfigMap.
func TestPacketsAfterAnEdit(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newTestbed(n)
		private := n.byFamily("nonMasqueradeCIDRs: [10.9.0.0/16]\n", "nonMasqueradeCIDRs: ['fd00:9::/32']\n")
		public := n.byFamily("nonMasqueradeCIDRs: [203.0.113.0/24]\n", "nonMasqueradeCIDRs: ['2001:db8:7::/48']\n")
		n.config.write(n.t, private)
		n.start()
		w.waitSource(w.nodeAddr, w.publicAddr())
		w.waitSource(w.podAddr, w.privateAddr())
		n.config.write(n.t, public)
		w.waitSource(w.podAddr, w.publicAddr())
		w.waitSource(w.nodeAddr, w.privateAddr())
		n.config.write(n.t, "nonMasqueradeCIDRs: []\n")
		w.waitSource(w.nodeAddr, w.publicAddr())
		w.waitSource(w.nodeAddr, w.privateAddr())
		n.config.write(n.t, n.byFamily("nonMasqueradeCIDRs: [0.0.0.0/0]\n", "nonMasqueradeCIDRs: ['::/0']\n"))
		w.waitSource(w.podAddr, w.publicAddr())
		w.waitSource(w.podAddr, w.privateAddr())
	})
}

// TestPacketsToLinkLocal checks both values of masqLinkLocal and
// masqLinkLocalIPv6.
func TestPacketsToLinkLocal(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newTestbed(n)
		off := "nonMasqueradeCIDRs: []\n"
		n.startRight(off, chain(n.byFamily("169.254.0.0/16", "fe80::/10")))
		if source, kept := w.toLinkLocal(); source != kept {
			n.t.Errorf("masqLinkLocal false: the link-local address sees %s, want %s", source, kept)
		}
		n.config.write(n.t, off+n.byFamily("masqLinkLocal: true\n", "masqLinkLocalIPv6: true\n"))
		n.wait(chain())
		if source, kept := w.toLinkLocal(); source == kept {
			n.t.Errorf("masqLinkLocal true: the link-local address still sees %s", source)
		}
	})
}

// TestPacketsFromPorts checks that --to-ports sets the source ports, and that
// each range is used.
func TestPacketsFromPorts(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newTestbed(n)
		n.config.write(n.t, "resyncInterval: 60s\n")
		n.start("--to-ports=2001-2100,40001-40100")
		w.waitSource(w.nodeAddr, w.publicAddr())
		w.checkPorts()
	})
}

// TestPacketsWithIPv6Off checks that without --enable-ipv6 IPv6 is not
// masqueraded.
func TestPacketsWithIPv6Off(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newTestbed(n)
		n.config.write(n.t, "resyncInterval: 100ms\n")
		p := n.start("--enable-ipv6=false")
		p.WaitLog("IP-MASQ", "IPv4")
		want := w.nodeAddr
		if n.family == "IPv6" {
			want = w.podAddr
			ipv4 := otherFamilyNode(n)
			ipv4.wait(ipv4.defaultChain())
		}
		w.waitSource(want, w.publicAddr())
	})
}

// checkPorts makes 50 connections from the pod and checks that their source
// ports are in 2001-2100 or 40001-40100, and some in each.
func (w *testbed) checkPorts() {
	w.t.Helper()
	low, high := 0, 0
	for range 50 {
		switch port := w.fromPod(w.publicAddr()).Port(); {
		case 2001 <= port && port <= 2100:
			low++
		case 40001 <= port && port <= 40100:
			high++
		default:
			w.t.Errorf("port %d is in neither range", port)
		}
	}
	// Each range gets half of the connections. The probability that one of them
	// gets none is 2^-49.
	if low == 0 || high == 0 {
		w.t.Errorf("of 50 connections, %d and %d had ports of the two ranges", low, high)
	}
}
