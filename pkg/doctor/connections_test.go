// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"net/netip"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/predict"
	"ip-masq-agent/test/netns"
)

func TestFlowFate(t *testing.T) {
	addr := netip.MustParseAddr
	pod, internet, peer, self := addr("10.244.1.5"), addr("8.8.8.8"), addr("10.9.9.9"), addr("192.0.2.1")
	unicast := func(device string) host.Route {
		return host.Route{Type: netfilter.TypeUnicast, Device: netfilter.Interface{Name: device, Index: 2}}
	}
	routes := map[netip.Addr]host.Route{addr("0.0.0.0"): unicast("eth0"), addr("224.0.0.22"): unicast("cni0"), addr("224.0.0.251"): unicast("cni0"), pod: unicast("cni0"), internet: unicast("eth0"), peer: unicast("eth0"), self: {Type: netfilter.TypeLocal, Device: netfilter.Interface{Name: "lo", Index: 1}}}
	tests := []struct {
		name string
		flow Flow
		want netfilter.Fate
	}{
		{"out", Flow{Connection: predict.Connection{Source: pod, Destination: internet}}, netfilter.Masqueraded},
		{"inside", Flow{Connection: predict.Connection{Source: pod, Destination: peer}, Masqueraded: true}, netfilter.Kept},
		{"to the node", Flow{Connection: predict.Connection{Source: pod, Destination: self}}, netfilter.Undetermined},
		{"from the node", Flow{Connection: predict.Connection{Source: self, Destination: internet}}, netfilter.Undetermined},
		{"of a Service, masqueraded by kube-proxy", Flow{Connection: predict.Connection{Source: pod, Destination: peer}, Masqueraded: true, Translated: true}, netfilter.Undetermined},
		{"of a Service", Flow{Connection: predict.Connection{Source: pod, Destination: internet}, Translated: true}, netfilter.Masqueraded},
		{"of the kernel, before a device has an address", Flow{Connection: predict.Connection{Source: addr("0.0.0.0"), Destination: addr("224.0.0.22")}}, netfilter.Undetermined},
		{"multicast", Flow{Connection: predict.Connection{Source: pod, Destination: addr("224.0.0.251")}}, netfilter.Undetermined},
		{"without a route", Flow{Connection: predict.Connection{Source: pod, Destination: addr("8.8.4.4")}}, netfilter.Undetermined},
	}
	for _, tt := range tests {
		n := node()
		tt.flow.SourceRoute, tt.flow.Route = routes[tt.flow.Source], routes[tt.flow.Destination]
		if got := n.fate(tt.flow); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestConnections changes the rules while two connections exist.
func TestConnections(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		addr := func(ipv4, ipv6 string) string {
			if family == "IPv6" {
				return ipv6
			}
			return ipv4
		}
		options := synced(t, backend)
		node, pod, world := netns.Here(t), netns.New(t), netns.New(t)
		netns.Connect(t, node, "pod0", pod, "eth0")
		netns.Connect(t, node, "eth0", world, "eth0")
		node.Address(t, "pod0", addr("10.1.0.1/24", "fd00:1::1/64"))
		pod.Address(t, "eth0", addr("10.1.0.2/24", "fd00:1::2/64"))
		node.Address(t, "eth0", addr("192.0.2.1/24", "2001:db9::1/64"))
		world.Address(t, "eth0", addr("192.0.2.2/24", "2001:db9::2/64"), addr("172.16.0.2/12", "fd00:2::2/64"))
		pod.Route(t, "default", addr("10.1.0.1", "fd00:1::1"))
		world.Route(t, addr("10.1.0.0/24", "fd00:1::/64"), addr("192.0.2.1", "2001:db9::1"))
		node.Route(t, addr("172.16.0.0/12", "fd00:2::/64"), addr("192.0.2.2", "2001:db9::2"))
		node.Forward(t)
		masqueraded, kept := addr("192.0.2.2", "2001:db9::2"), addr("172.16.0.2", "fd00:2::2")
		for _, dst := range []string{masqueraded, kept} {
			at := netip.AddrPortFrom(netip.MustParseAddr(dst), 80).String()
			netns.Serve(t, world, at)
			if _, err := netns.Dial(pod, at); err != nil {
				t.Fatal(err)
			}
		}
		stale := func() []string {
			var got []string
			for _, f := range Examine(Read(t.Context(), options)) {
				if f.Check == "connections" && f.Severity != OK {
					got = append(got, string(f.Severity)+": "+f.What)
				}
			}
			return got
		}
		if got := stale(); got != nil {
			t.Errorf("before the change: %q", got)
		}
		// The opposite configuration.
		text := addr("nonMasqueradeCIDRs: [192.0.2.0/24]\n", "nonMasqueradeCIDRs: ['2001:db9::/32']\n")
		if err := os.WriteFile(options.ConfigFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		apply(t, options, backend)
		source := addr("10.1.0.2", "fd00:1::2")
		want := []string{
			"warning: 1 conntrack entry is masqueraded, but new connections would not be: " + source + " to " + masqueraded,
			"warning: 1 conntrack entry is not masqueraded, but new connections would be: " + source + " to " + kept,
		}
		if diff := cmp.Diff(want, stale()); diff != "" {
			t.Errorf("after the change (-want +got):\n%s", diff)
		}
	})
}
