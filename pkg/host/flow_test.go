// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package host

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
)

// TestFlows finds a masqueraded connection and one that is not.
func TestFlows(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		addr := func(ipv4, ipv6 string) string {
			if family == "IPv6" {
				return ipv6
			}
			return ipv4
		}
		node, pod, world := netns.Here(t), netns.New(t), netns.New(t)
		netns.Connect(t, node, "pod0", pod, "eth0")
		netns.Connect(t, node, "eth0", world, "eth0")
		node.Address(t, "pod0", addr("10.1.0.1/24", "fd00:1::1/64"))
		pod.Address(t, "eth0", addr("10.1.0.2/24", "fd00:1::2/64"))
		node.Address(t, "eth0", addr("192.0.2.1/24", "2001:db8::1/64"))
		world.Address(t, "eth0", addr("192.0.2.2/24", "2001:db8::2/64"), addr("192.0.2.3/24", "2001:db8::3/64"))
		pod.Route(t, "default", addr("10.1.0.1", "fd00:1::1"))
		world.Route(t, "default", addr("192.0.2.1", "2001:db8::1"))
		node.Forward(t)
		kept, masqueraded := addr("192.0.2.3", "2001:db8::3"), addr("192.0.2.2", "2001:db8::2")
		netns.IPTables(t, backend, family, "-A", "POSTROUTING", "-d", masqueraded, "-j", "MASQUERADE")
		for _, dst := range []string{kept, masqueraded} {
			at := netip.AddrPortFrom(netip.MustParseAddr(dst), 80).String()
			netns.Serve(t, world, at)
			if _, err := netns.Dial(pod, at); err != nil {
				t.Fatal(err)
			}
		}
		got := map[string]string{} // the source after NAT, by source and destination
		flows, err := Flows(family == "IPv6")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range flows {
			if f.Protocol != 6 {
				continue
			}
			if !f.PassedPostrouting || f.Destination != f.DestinationAfterNAT {
				t.Errorf("flow %+v", f)
			}
			got[f.Source.String()+" "+f.DestinationAfterNAT.String()] = f.SourceAfterNAT.String()
		}
		source := addr("10.1.0.2", "fd00:1::2")
		want := map[string]string{source + " " + kept: source, source + " " + masqueraded: addr("192.0.2.1", "2001:db8::1")}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("sources after NAT (-want +got):\n%s", diff)
		}
	})
}
