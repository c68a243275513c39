// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// packetSpecs are tables whose boundaries packets are sent to.
func packetSpecs() map[string]Spec {
	return map[string]Spec{
		"IPv4": {
			Destinations: intervals("10.0.0.0-10.8.255.255 keep, 10.9.0.0-10.9.6.255 masquerade, 10.9.7.0-10.9.7.255 keep, 10.9.8.0-10.9.255.255 masquerade, 10.10.0.0-10.255.255.255 keep, 169.254.0.0-169.254.255.255 keep, 172.16.0.0-172.31.255.255 keep"),
			RandomFully:  true,
		},
		"IPv4, the pod is a source": {
			Destinations: intervals("10.0.0.0-10.8.255.255 keep, 10.9.7.0-10.9.7.255 masquerade"),
			OnlySources:  true,
			Sources:      ranges("100.64.0.0-100.64.255.255"),
			RandomFully:  true,
		},
		"IPv4, the pod is no source": {
			Destinations: intervals("10.0.0.0-10.8.255.255 keep, 10.9.7.0-10.9.7.255 masquerade"),
			OnlySources:  true,
			Sources:      ranges("100.64.0.0-100.64.1.1 100.64.1.3-100.64.255.255"),
			RandomFully:  true,
		},
		"IPv4, no sources": {
			Destinations: intervals("10.9.7.0-10.9.7.255 masquerade"),
			OnlySources:  true,
		},
		"IPv6, the pod is a source": {
			Family:       netfilter.IPv6,
			Destinations: intervals("fd00::-fd00:8:ffff:ffff:ffff:ffff:ffff:ffff keep, fd00:9::-fd00:9:ffff:ffff:ffff:ffff:ffff:ffff masquerade"),
			OnlySources:  true,
			Sources:      ranges("2001:db8:64::2-2001:db8:64::2"),
			RandomFully:  true,
		},
		"IPv6, the pod is no source": {
			Family:       netfilter.IPv6,
			Destinations: intervals("fd00::-fd00:8:ffff:ffff:ffff:ffff:ffff:ffff keep"),
			OnlySources:  true,
			Sources:      ranges("2001:db8:64::3-2001:db8:64::ffff"),
			RandomFully:  true,
		},
		"IPv6": {
			Family:       netfilter.IPv6,
			Destinations: intervals("fd00::-fd00:8:ffff:ffff:ffff:ffff:ffff:ffff keep, fd00:9::-fd00:9:ffff:ffff:ffff:ffff:ffff:ffff masquerade, fd00:a::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff keep"),
			RandomFully:  true,
		},
	}
}

// TestPackets sends TCP and UDP packets of a pod to the addresses at and around
// each boundary, without and with --to-ports, and compares the counters.
func TestPackets(t *testing.T) {
	for name, s := range packetSpecs() {
		for _, ports := range [][]netfilter.PortRange{nil, {{From: 2001, To: 2100}, {From: 40001, To: 40300}}} {
			s.ToPorts = ports
			t.Run(name+map[bool]string{true: " with ports"}[ports != nil], func(t *testing.T) {
				netns.Require(t, "nft")
				netns.Run(t, func(t *testing.T) { sendToBoundaries(t, s) })
			})
		}
	}
}

func sendToBoundaries(t *testing.T, s Spec) {
	w := newWorld(t, s.Family)
	table := NewTable(s.Family)
	apply(t, table, s)
	var want netfilter.Traffic
	addresses := boundaries(s)
	for _, a := range addresses {
		for _, send := range []func(string) netip.AddrPort{w.tcp, w.datagram} {
			source := send(a.String())
			if masquerades(s, w.podAddr, a) {
				want.Masqueraded.Packets++
				if source.Addr() != w.nodeAddr || !hasPort(s.ToPorts, source.Port()) {
					t.Errorf("a packet to %s came from %s, want the node's address and a port of %v", a, source, s.ToPorts)
				}
			} else {
				want.Kept.Packets++
				if source.Addr() != w.podAddr {
					t.Errorf("a packet to %s came from %s, want the pod's address", a, source)
				}
			}
		}
	}
	if source := w.tcp(w.nodeAddr.String()); source.Addr() != w.podAddr {
		t.Errorf("a packet to the node itself came from %s, want the pod's address", source)
	}
	traffic, err := table.Traffic()
	if err != nil {
		t.Fatal(err)
	}
	traffic.Kept.Bytes, traffic.Masqueraded.Bytes = 0, 0
	if diff := cmp.Diff(want, traffic); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

// boundaries returns the first and the last address of each interval, and those
// before and behind it.
func boundaries(s Spec) []netip.Addr {
	seen := map[netip.Addr]bool{}
	var out []netip.Addr
	for _, i := range s.Destinations {
		for _, a := range []netip.Addr{i.From.Prev(), i.From, i.To, i.To.Next()} {
			if !seen[a] {
				seen[a] = true
				out = append(out, a)
			}
		}
	}
	return out
}

// masquerades is the Spec's verdict on a source and a destination.
func masquerades(s Spec, source, a netip.Addr) bool {
	if s.OnlySources && !slices.ContainsFunc(s.Sources, func(r netfilter.AddressRange) bool { return r.Contains(source) }) {
		return false
	}
	for _, i := range s.Destinations {
		if i.From.Compare(a) <= 0 && a.Compare(i.To) <= 0 {
			return i.Masquerade
		}
	}
	return true
}

func hasPort(ranges []netfilter.PortRange, port uint16) bool {
	for _, r := range ranges {
		if r.From <= port && port <= r.To {
			return true
		}
	}
	return len(ranges) == 0
}

// TestPortShares counts connections by the port range they got: 1 to 3, as the
// sizes are.
func TestPortShares(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		w := newWorld(t, netfilter.IPv4)
		small := netfilter.PortRange{From: 2001, To: 3000}
		apply(t, NewTable(netfilter.IPv4), Spec{ToPorts: []netfilter.PortRange{small, {From: 40001, To: 43000}}, RandomFully: true})
		const connections = 400
		n := 0
		for range connections {
			if hasPort([]netfilter.PortRange{small}, w.datagram("203.0.113.7").Port()) {
				n++
			}
		}
		// 100 are expected; 50 or 150 are almost six standard deviations away.
		if n < 50 || n > 150 {
			t.Errorf("%d of %d connections got a port of the range with a quarter of the ports", n, connections)
		}
	})
}

// TestCountersSurviveAnEdit edits the ranges between packets. The counters in
// the kernel go on, and Traffic is right also when the table was replaced.
func TestCountersSurviveAnEdit(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		w := newWorld(t, netfilter.IPv4)
		table := NewTable(netfilter.IPv4)
		first := Spec{Destinations: intervals("10.0.0.0-10.255.255.255 keep")}
		second := Spec{Destinations: intervals("10.0.0.0-10.8.255.255 keep, 10.9.0.0-10.9.255.255 masquerade")}
		replaced := second
		replaced.RandomFully = true
		want := netfilter.Traffic{}
		for _, step := range []struct {
			spec  Spec
			masq  bool // what the destination gets
			lists string
		}{
			{first, false, "counter packets 1 "},
			{second, true, "counter packets 1 "},
			{first, false, "counter packets 2 "},
			{replaced, true, "counter packets 1 "},
		} {
			apply(t, table, step.spec)
			source := w.datagram("10.9.0.9").Addr()
			if step.masq {
				want.Masqueraded.Packets++
			} else {
				want.Kept.Packets++
			}
			if (source == w.nodeAddr) != step.masq {
				t.Errorf("the packet came from %s", source)
			}
			if listed := list(t, netfilter.IPv4); !strings.Contains(listed, step.lists) {
				t.Errorf("no %q in\n%s", step.lists, listed)
			}
			got, err := table.Traffic()
			if err != nil {
				t.Fatal(err)
			}
			got.Kept.Bytes, got.Masqueraded.Bytes = 0, 0
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
		}
	})
}
