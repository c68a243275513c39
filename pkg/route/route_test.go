// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package route

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
)

// TestLookup asks about a node with one device, and with a route of type local
// as load balancers set one.
func TestLookup(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		node, world := netns.Here(t), netns.New(t)
		netns.Connect(t, node, "eth0", world, "eth0")
		node.Address(t, "eth0", "192.0.2.1/24", "2001:db8::1/64")
		node.Route(t, "default", "192.0.2.254")
		node.IP(t, "route add local 198.51.100.0/24 dev lo")
		node.IP(t, "route add unreachable 203.0.113.0/24")
		settle(t, netip.MustParseAddr("2001:db8::1"))
		tests := []struct {
			dst  string
			want Route
		}{
			{"192.0.2.1", Route{Local: true, Device: "lo"}},
			{"::ffff:192.0.2.1", Route{Local: true, Device: "lo"}},
			{"127.1.2.3", Route{Local: true, Device: "lo"}},
			{"198.51.100.7", Route{Local: true, Device: "lo"}},
			{"192.0.2.255", Route{Device: "eth0"}}, // broadcast is not LOCAL
			{"192.0.2.2", Route{Device: "eth0"}},
			{"8.8.8.8", Route{Device: "eth0"}},
			{"203.0.113.1", Route{}},
			{"2001:db8::1", Route{Local: true, Device: "lo"}},
			{"::1", Route{Local: true, Device: "lo"}},
			{"2001:db8::2", Route{Device: "eth0"}},
			{"2001:db9::2", Route{}},
		}
		for _, tt := range tests {
			got, err := Lookup(netip.MustParseAddr(tt.dst))
			if err != nil {
				t.Errorf("%s: %v", tt.dst, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.dst, diff)
			}
		}
	})
}

// settle waits for the route to an IPv6 address of the node's own, which the
// kernel adds a moment after the address.
func settle(t *testing.T, own netip.Addr) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if r, err := Lookup(own); err != nil || r.Local {
			return // the table tells what is wrong
		}
		if time.Now().After(end) {
			t.Fatalf("%s did not become LOCAL", own)
		}
	}
}

func TestLookupOfNoAddress(t *testing.T) {
	if _, err := Lookup(netip.Addr{}); err == nil {
		t.Error("no address has a route")
	}
}
