// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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

// sourceLists returns lists of sources, each of which has the pod of a world. The
// exception and the ranges that are kept stay the same.
func (n *node) sourceLists() [][]string {
	pod, other := n.pick("10.244.1.2/32", "fd00:244:1::2/128"), n.pick("100.64.0.0/10", "fd64::/16")
	return [][]string{{n.podRange()}, {other, pod}, {pod, n.pick("10.245.0.0/16", "fd00:245::/32"), other}}
}

// sourceFile is the file with one of the lists.
func (n *node) sourceFile(sources []string) string {
	return "nonMasqueradeCIDRs: ['" + n.pick("10.0.0.0/8", "fd00::/16") + "']\nmasqueradeCIDRs: ['" + n.pick("10.9.0.0/16", "fd00:9::/32") +
		"']\nsourceCIDRs: ['" + strings.Join(sources, "', '") + "']\n"
}

// sourceChain is the chain that the file makes.
func (n *node) sourceChain(sources []string) []string {
	rules := []string{"-N IP-MASQ", keep(n.pick("169.254.0.0/16", "fe80::/10"))}
	for _, s := range sources {
		rules = append(rules, exceptFrom(s, n.pick("10.9.0.0/16", "fd00:9::/32")))
	}
	rules = append(rules, keep(n.pick("10.0.0.0/8", "fd00::/16")))
	for _, s := range sources {
		rules = append(rules, lastFrom(s))
	}
	return rules
}

// editSources writes each of the lists twice, and waits for its rules.
func (n *node) editSources() {
	n.t.Helper()
	for _, list := range slices.Repeat(n.sourceLists(), 2) {
		n.config.write(n.t, n.sourceFile(list))
		n.wait(n.sourceChain(list))
	}
}

// TestSourceEditsUnderLoad edits sourceCIDRs while the pod, which is in each of
// the lists, and the node, which is in none, make connections. A packet sees all
// of the old list or all of the new one.
func TestSourceEditsUnderLoad(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newSourcesWorld(n)
		first := n.sourceLists()[0]
		n.startRight(n.sourceFile(first), n.sourceChain(first))
		w.sees(w.nodeAddr, w.publicAddr())
		var stop atomic.Bool
		made := make(chan int, 2)
		dial := func(want netip.Addr, connect func(addr string) (netip.AddrPort, error)) {
			count := 0
			for ; !stop.Load(); count++ {
				address := net.JoinHostPort([]string{w.publicAddr(), w.privateAddr()}[count%2], "8080")
				if source, err := connect(address); err != nil || source.Addr() != want {
					n.t.Errorf("connection %d to %s came from %v, %v, want %s", count, address, source, err, want)
					break
				}
				time.Sleep(time.Millisecond)
			}
			made <- count
		}
		go dial(w.nodeAddr, func(addr string) (netip.AddrPort, error) { return netns.Dial(w.pod, addr) })
		go dial(w.second, func(addr string) (netip.AddrPort, error) { return netns.DialFrom(w.here, w.second, addr) })
		n.editSources()
		stop.Store(true)
		for range 2 {
			connections := <-made
			n.t.Logf("%d connections", connections)
			if connections < 100 {
				n.t.Errorf("only %d connections", connections)
			}
		}
	})
}

// TestEveryMomentOfSourcesIsComplete: a program that dumps the rules while
// sourceCIDRs is edited sees all of the old list or all of the new one.
func TestEveryMomentOfSourcesIsComplete(t *testing.T) {
	eachNode(t, func(n *node) {
		var chains [][]string
		for _, list := range n.sourceLists() {
			chains = append(chains, n.sourceChain(list))
		}
		n.config.write(n.t, n.sourceFile(n.sourceLists()[0]))
		watcher := n.watch(chains...)
		defer watcher.end(n.t)
		n.start()
		for range 3 { // the watcher needs the time
			n.editSources()
		}
	})
}
