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

// lastRuleFrom returns the last rule for a source range.
func lastRuleFrom(source string) string {
	return strings.Replace(last, " -m ", " -s "+source+" -m ", 1)
}

// exceptionRuleFrom returns the rule that masquerades the exception cidr for a source
// range.
func exceptionRuleFrom(source, cidr string) string {
	return strings.Replace(exceptionRule(cidr), " -d ", " -s "+source+" -d ", 1)
}

// podRange returns the CIDR of the node's pods.
func (n *node) podRange() string { return n.byFamily("10.244.0.0/16", "fd00:244::/32") }

// sourcesTestbed is a testbed where the node has a second address, and a port that
// leads to the pod, as a NodePort does.
type sourcesTestbed struct {
	*testbed
	second netip.Addr // another address of the node
	client netip.Addr // the address of outside
}

func newSourcesTestbed(n *node) *sourcesTestbed {
	n.t.Helper()
	w := &sourcesTestbed{testbed: newTestbed(n),
		second: netip.MustParseAddr(n.byFamily("192.0.2.77", "2001:db8::77")),
		client: netip.MustParseAddr(n.byFamily("192.0.2.2", "2001:db8::2"))}
	// A deprecated address is used only by programs that ask for it.
	w.here.IP(n.t, "address add "+w.second.String()+n.byFamily("/24 dev out0", "/64 dev out0 nodad preferred_lft 0"))
	netns.Serve(n.t, w.pod, ":8080")
	n.restore("*nat", "-A PREROUTING -d "+w.nodeAddr.String()+n.byFamily("/32", "/128")+
		" -p tcp -m tcp --dport 30080 -j DNAT --to-destination "+net.JoinHostPort(w.podAddr.String(), "8080"), "COMMIT")
	return w
}

// fromNode makes a connection from the node's second address and returns the
// source that outside sees.
func (w *sourcesTestbed) fromNode() netip.Addr {
	w.t.Helper()
	source, err := netns.DialFrom(w.here, w.second, net.JoinHostPort(w.publicAddr(), "8080"))
	if err != nil {
		w.t.Fatal(err)
	}
	return source.Addr()
}

// inbound makes a connection from outside to the node's port and returns the
// source that the pod sees.
func (w *sourcesTestbed) inbound() netip.Addr {
	w.t.Helper()
	source, err := netns.Dial(w.outside, net.JoinHostPort(w.nodeAddr.String(), "30080"))
	if err != nil {
		w.t.Fatal(err)
	}
	return source.Addr()
}

// TestSourcesArePodsOnly checks the traffic that should not be masqueraded, and
// is without sourceCIDRs: connections of a client to a pod, and connections of
// the node.
func TestSourcesArePodsOnly(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newSourcesTestbed(n)
		const all = "nonMasqueradeCIDRs: []\n"
		local := n.byFamily("169.254.0.0/16", "fe80::/10")
		n.startRight(all, chain(local))
		w.waitSource(w.nodeAddr, w.publicAddr())
		if got := w.fromNode(); got != w.nodeAddr {
			n.t.Errorf("without sourceCIDRs outside sees the node as %s, want %s", got, w.nodeAddr)
		}
		if got := w.inbound(); got == w.client {
			n.t.Error("without sourceCIDRs the pod sees the client's address, so this test cannot show what sourceCIDRs changes")
		}

		n.config.write(n.t, all+"sourceCIDRs: ['"+n.podRange()+"']\n")
		n.wait([]string{"-N IP-MASQ", returnRule(local), lastRuleFrom(n.podRange())})
		w.waitSource(w.nodeAddr, w.publicAddr())
		w.waitSource(w.nodeAddr, w.privateAddr())
		if got := w.fromNode(); got != w.second {
			n.t.Errorf("outside sees the node as %s, want %s", got, w.second)
		}
		if got := w.inbound(); got != w.client {
			n.t.Errorf("the pod sees the client as %s, want %s", got, w.client)
		}

		// With CIDRs of the other family only, nothing is masqueraded.
		if n.family == "IPv6" {
			n.config.write(n.t, all+"sourceCIDRs: [10.244.0.0/16]\n")
			n.wait([]string{"-N IP-MASQ", returnRule(local)})
			w.waitSource(w.podAddr, w.publicAddr())
		}
		// A CIDR without the pod.
		beside := n.byFamily("10.244.1.3/32", "fd00:244:1::3/128")
		n.config.write(n.t, all+"sourceCIDRs: ['"+beside+"']\n")
		n.wait([]string{"-N IP-MASQ", returnRule(local), lastRuleFrom(beside)})
		w.waitSource(w.podAddr, w.publicAddr())

		n.config.write(n.t, all) // the chain without sourceCIDRs again
		n.wait(chain(local))
		w.waitSource(w.nodeAddr, w.publicAddr())
	})
}

// TestSourcesWithExceptionsAndPorts checks that an exception masquerades only
// pods, and with the ports of --to-ports.
func TestSourcesWithExceptionsAndPorts(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newSourcesTestbed(n)
		public := n.byFamily("203.0.113.0/24", "2001:db8:7::/48")
		pod := w.podAddr.String() + n.byFamily("/32", "/128")
		n.config.write(n.t, "nonMasqueradeCIDRs: ['"+n.byFamily("0.0.0.0/0", "::/0")+"']\nmasqueradeCIDRs: ['"+public+
			"']\nsourceCIDRs: ['"+n.byFamily("192.0.2.200/32", "2001:db8::200/128")+"', '"+pod+"']\n")
		n.start("--to-ports=2001-2100,40001-40100")
		w.waitSource(w.nodeAddr, w.publicAddr())
		w.waitSource(w.podAddr, w.privateAddr())
		w.checkPorts()
		if got := w.fromNode(); got != w.second {
			n.t.Errorf("outside sees the node as %s, want %s", got, w.second)
		}
		if got := w.inbound(); got != w.client {
			n.t.Errorf("the pod sees the client as %s, want %s", got, w.client)
		}
	})
}
