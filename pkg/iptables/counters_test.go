// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"net"
	"testing"

	"ip-masq-agent/test/netns"
)

// TestTrafficSurvivesRewrites counts packets whose counters a rewrite zeroes.
func TestTrafficSurvivesRewrites(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		connect := outside(t, family)
		n, c := NewNAT(familyOf(family), Backend(backend)), wanted(family)
		c.Rules = c.Rules[len(c.Rules)-1:] // masquerade everything
		count := func(kept, masqueraded uint64) {
			t.Helper()
			report, err := n.Apply(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			got := [2]uint64{report.Traffic.Kept.Packets, report.Traffic.Masqueraded.Packets}
			if got != [2]uint64{kept, masqueraded} || report.Traffic.Masqueraded.Bytes < masqueraded {
				t.Errorf("counted %+v, want %d packets kept and %d masqueraded", report.Traffic, kept, masqueraded)
			}
		}
		count(0, 0)
		connect(7)
		count(0, 7)
		count(0, 7)
		c.Rules = append([]Rule{{Comment: "everything", Target: Return}}, c.Rules...)
		connect(2)
		count(0, 9) // reads, and rewrites
		connect(3)
		count(3, 9)

		connect(4) // and without an Apply, if the backend can
		kept := map[string]uint64{"iptables-nft": 7, "iptables-legacy": 3}[backend]
		got, err := n.Traffic()
		if err != nil || got.Kept.Packets != kept || got.Masqueraded.Packets != 9 || got.Kept.Bytes < kept {
			t.Errorf("Traffic() = %+v, %v, want %d packets kept and 9 masqueraded", got, err, kept)
		}
	})
}

// outside makes a host behind a wire, and returns what sends the first packets
// of n connections there.
func outside(t *testing.T, family string) func(n int) {
	t.Helper()
	here, there := netns.Here(t), netns.New(t)
	netns.Connect(t, here, "eth0", there, "eth0")
	here.Address(t, "eth0", "10.99.0.1/24", "fd99::1/64")
	there.Address(t, "eth0", "10.99.0.2/24", "fd99::2/64")
	address := map[string]string{"IPv4": "10.99.0.2", "IPv6": "fd99::2"}[family]
	port := 20000 // each connection has its own, or it would be no new one
	return func(n int) {
		t.Helper()
		for range n {
			port++
			c, err := net.DialUDP("udp", &net.UDPAddr{Port: port}, &net.UDPAddr{IP: net.ParseIP(address), Port: 9})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			c.Close()
		}
	}
}
