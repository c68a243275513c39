// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
)

// TestSteadyStateWritesNothing checks that the agent writes nothing if nothing
// has changed: counters, and for nft the generation, stay the same. With
// nftables the agent runs no command at all.
func TestSteadyStateWritesNothing(t *testing.T) {
	eachNode(t, func(n *node) {
		spy := n.shim()
		send := n.sender()
		config := n.threeRanges()
		args := []string{"--to-ports=2001-3000,4001-5000,6001-8000"}
		n.config.write(n.t, config)
		p := n.start(args...)
		// One quarter of the ports, one third of the rest, and the rest.
		ranges := n.threeRangesChain()
		want := slices.Concat(ranges[:len(ranges)-1],
			forEachProtocol(toPortsChance+"0.25000000000 -j MASQUERADE --to-ports 2001-3000 --random-fully",
				toPortsChance+"0.33333333349 -j MASQUERADE --to-ports 4001-5000 --random-fully", toPorts+"6001-8000 --random-fully"), []string{last})
		n.wait(want)
		n.ready() // with IPv6 the agent may still write the IPv4 rules

		quiet := func(event string) {
			n.t.Helper()
			writes, generation, counters := spy.writes(n.t), netns.Generation(n.t), n.rules.ListWithCounters(n.t)
			time.Sleep(time.Second) // ten resync intervals
			if diff := cmp.Diff(counters, n.rules.ListWithCounters(n.t)); diff != "" {
				n.t.Errorf("%s, counters changed (-before +after):\n%s", event, diff)
			}
			if got := netns.Generation(n.t); got != generation {
				n.t.Errorf("%s, nftables went from generation %d to %d", event, generation, got)
			}
			if got := spy.writes(n.t); got != writes {
				n.t.Errorf("%s, the agent wrote %d times: %q", event, got-writes, spy.calls(n.t))
			}
		}
		before := n.rules.ListWithCounters(n.t)
		send()
		if cmp.Equal(before, n.rules.ListWithCounters(n.t)) {
			n.t.Fatal("the packets of this test are not counted")
		}
		quiet("after packets")

		n.config.write(n.t, "# a new comment, the same meaning\n"+config)
		quiet("after an edit of a comment")

		p.Stop(terminate)
		writes := spy.writes(n.t)
		n.start(args...)
		n.ready()
		quiet("after a restart")
		if got := spy.writes(n.t); got != writes {
			n.t.Errorf("after a restart with the right rules the agent wrote %d times", got-writes)
		}

		// Check that the agent was not just asleep.
		n.damage(n.rules.Flush)
		n.wait(want)
		if calls := spy.calls(n.t); n.nftables() && len(calls) > 0 {
			n.t.Errorf("on nftables the agent ran %q", calls)
		}
	})
}

// sender connects the node to a neighbor. It returns a function that sends a
// packet of a new connection, because only new connections pass the nat table.
func (n *node) sender() func() {
	n.t.Helper()
	here, neighbour := netns.Here(n.t), netns.New(n.t)
	netns.Connect(n.t, here, "eth0", neighbour, "eth0")
	here.Address(n.t, "eth0", n.byFamily("10.1.0.1/24", "fd00:1::1/64"))
	neighbour.Address(n.t, "eth0", n.byFamily("10.1.0.2/24", "fd00:1::2/64"))
	return func() {
		n.t.Helper()
		conn, err := net.Dial("udp", n.byFamily("10.1.0.2:9", "[fd00:1::2]:9"))
		if err != nil {
			n.t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("packet")); err != nil {
			n.t.Fatal(err)
		}
	}
}
