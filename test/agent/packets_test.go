// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"testing"
)

func TestPacketsKeptAndMasqueraded(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newWorld(n)
		n.startRight(n.oneRange(), n.oneRangeChain())
		w.sees(w.podAddr, w.privateAddr())
		w.sees(w.nodeAddr, w.publicAddr())

		// Rules flushed by hand let every pod's address out, until healed.
		n.do(n.rules.Flush)
		w.sees(w.nodeAddr, w.publicAddr())
		w.sees(w.podAddr, w.privateAddr())
	})
}

// New connections follow an edit of the ConfigMap.
func TestPacketsAfterAnEdit(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newWorld(n)
		private := n.pick("nonMasqueradeCIDRs: [10.9.0.0/16]\n", "nonMasqueradeCIDRs: ['fd00:9::/32']\n")
		public := n.pick("nonMasqueradeCIDRs: [203.0.113.0/24]\n", "nonMasqueradeCIDRs: ['2001:db8:7::/48']\n")
		n.config.write(n.t, private)
		n.start()
		w.sees(w.nodeAddr, w.publicAddr())
		w.sees(w.podAddr, w.privateAddr())
		n.config.write(n.t, public)
		w.sees(w.podAddr, w.publicAddr())
		w.sees(w.nodeAddr, w.privateAddr())
		n.config.write(n.t, "nonMasqueradeCIDRs: []\n")
		w.sees(w.nodeAddr, w.publicAddr())
		w.sees(w.nodeAddr, w.privateAddr())
		n.config.write(n.t, n.pick("nonMasqueradeCIDRs: [0.0.0.0/0]\n", "nonMasqueradeCIDRs: ['::/0']\n"))
		w.sees(w.podAddr, w.publicAddr())
		w.sees(w.podAddr, w.privateAddr())
	})
}

func TestPacketsToLinkLocal(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newWorld(n)
		off := "nonMasqueradeCIDRs: []\n"
		n.startRight(off, chain(n.pick("169.254.0.0/16", "fe80::/10")))
		if source, kept := w.toLinkLocal(); source != kept {
			n.t.Errorf("masqLinkLocal false: the link-local address sees %s, want %s", source, kept)
		}
		n.config.write(n.t, off+n.pick("masqLinkLocal: true\n", "masqLinkLocalIPv6: true\n"))
		n.wait(chain())
		if source, kept := w.toLinkLocal(); source == kept {
			n.t.Errorf("masqLinkLocal true: the link-local address sees %s still", source)
		}
	})
}

func TestPacketsFromPorts(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newWorld(n)
		n.config.write(n.t, "resyncInterval: 60s\n")
		n.start("--to-ports=2001-2100,40001-40100")
		w.sees(w.nodeAddr, w.publicAddr())
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
	})
}

// Without --enable-ipv6 no IPv6 source is changed.
func TestPacketsWithIPv6Off(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newWorld(n)
		n.config.write(n.t, "resyncInterval: 100ms\n")
		p := n.start("--enable-ipv6=false")
		p.WaitLog("IP-MASQ", "IPv4")
		want := w.nodeAddr
		if n.family == "IPv6" {
			want = w.podAddr
			ipv4 := newOther(n)
			ipv4.wait(ipv4.defaultChain())
		}
		w.sees(want, w.publicAddr())
	})
}
