// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package idle_test

import (
	"fmt"
	"net"
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// TestPacketsAreCountedWithoutAProcess checks that the agent reads the counters
// from the kernel, also at a resync that runs no command.
func TestPacketsAreCountedWithoutAProcess(t *testing.T) {
	netns.FullMatrix(t, func(t *testing.T, backend, family string) {
		here, neighbour := netns.Here(t), netns.New(t)
		netns.Connect(t, here, "eth0", neighbour, "eth0")
		address, kept, masqueraded := "10.1.0.1/24", "10.1.0.2:9", "203.0.113.1:9"
		if family == "IPv6" {
			address, kept, masqueraded = "fd00:1::1/64", "", "[fd00:1::2]:9" // by default only link-local is not masqueraded in IPv6
		}
		here.Address(t, "eth0", address)
		if family == "IPv4" {
			neighbour.Address(t, "eth0", "10.1.0.2/24")
			here.Route(t, "default", "10.1.0.2")
		}
		n := start(t, backend, family, "1s")
		n.quiet(func() {
			for verdict, to := range map[string]string{"return": kept, "masquerade": masqueraded} {
				if to != "" {
					n.counts(verdict, to)
				}
			}
		})
	})
}

// counts sends packets of five new connections and waits until they appear in
// the agent's metrics.
func (n *node) counts(verdict, to string) {
	n.t.Helper()
	name := fmt.Sprintf("ip_masq_agent_packets_total{family=%q,verdict=%q}", n.family, verdict)
	before := n.metric(name)
	for range 5 {
		conn, err := net.Dial("udp", to)
		if err != nil {
			n.t.Fatal(err)
		}
		if _, err := conn.Write([]byte("packet")); err != nil {
			n.t.Fatal(err)
		}
		conn.Close()
	}
	program.Eventually(n.t, func() string {
		if got := n.metric(name); got < before+5 {
			return fmt.Sprintf("%s went from %v to %v, want 5 more", name, before, got)
		}
		return ""
	})
}
