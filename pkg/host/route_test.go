// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package host

import (
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"ip-masq-agent/test/netns"
)

func open(t *testing.T) *Routes {
	t.Helper()
	r, err := OpenRoutes()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// between returns a route in words: type and device.
func between(t *testing.T, r *Routes, src, dst string) string {
	t.Helper()
	var source netip.Addr
	if src != "" {
		source = netip.MustParseAddr(src)
	}
	got, err := r.Between(source, netip.MustParseAddr(dst))
	if err != nil {
		t.Errorf("%s: %v", dst, err)
	}
	return strings.TrimSpace(got.TypeName() + " " + got.Device.Name)
}

// TestRoutes asks about a node with one device, and with a route of type local
// as load balancers set one.
func TestRoutes(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		node, world := netns.Here(t), netns.New(t)
		netns.Connect(t, node, "eth0", world, "eth0")
		node.Address(t, "eth0", "192.0.2.1/24", "2001:db8::1/64")
		node.Route(t, "default", "192.0.2.254")
		node.IP(t, "route add local 198.51.100.0/24 dev lo")
		node.IP(t, "route add unreachable 203.0.113.0/24")
		node.IP(t, "-6 route add unreachable 2001:dba::/64")
		settle(t, "2001:db8::1")
		for dst, want := range map[string]string{
			"192.0.2.1":        "local lo",
			"::ffff:192.0.2.1": "local lo",
			"127.1.2.3":        "local lo", // all of 127.0.0.0/8
			"198.51.100.7":     "local lo",
			"192.0.2.255":      "broadcast eth0",
			"192.0.2.2":        "unicast eth0",
			"8.8.8.8":          "unicast eth0",
			"203.0.113.1":      "none",
			"2001:db8::1":      "local lo",
			"::1":              "local lo",
			"2001:db8::2":      "unicast eth0",
			"2001:db9::2":      "none",
			"2001:dba::2":      "none",
		} {
			if got := between(t, open(t), "", dst); got != want {
				t.Errorf("%s: %q, want %q", dst, got, want)
			}
		}
		if _, err := open(t).To(netip.Addr{}); err == nil {
			t.Error("the zero address has a route")
		}
	})
}

// TestPolicy has policy rules that test the source and the mark, and a route
// with two next hops.
func TestPolicy(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		node, pod := netns.Here(t), netns.New(t)
		node.Forward(t)
		netns.Connect(t, node, "pod0", pod, "eth0")
		node.Address(t, "pod0", "10.1.0.1/24")
		for _, dev := range []string{"eth0", "eth1"} {
			netns.Connect(t, node, dev, netns.New(t), "eth0")
		}
		node.Address(t, "eth0", "192.0.2.1/24")
		node.Address(t, "eth1", "198.51.100.1/24")
		node.Route(t, "default", "192.0.2.2")
		node.IP(t, "route add 203.0.113.0/24 nexthop via 192.0.2.2 nexthop via 198.51.100.2")
		if got := between(t, open(t), "", "203.0.113.1"); got != "unicast" {
			t.Errorf("by two devices: %q", got)
		}
		node.IP(t, "rule add fwmark 0x1 lookup 100")
		for _, table := range []string{"100", "101"} {
			node.IP(t, "route add 8.0.0.0/8 via 198.51.100.2 table "+table)
		}
		node.IP(t, "route add 9.0.0.0/8 via 192.0.2.2 table 100")
		for dst, want := range map[string]string{"8.8.8.8": "unicast", "9.9.9.9": "unicast eth0", "1.1.1.1": "unicast eth0", "192.0.2.1": "local lo"} {
			if got := between(t, open(t), "", dst); got != want {
				t.Errorf("%s with a rule for a mark: %q, want %q", dst, got, want)
			}
		}
		node.IP(t, "rule del fwmark 0x1 lookup 100")
		node.IP(t, "rule add from 10.1.0.3 lookup 101")
		for src, want := range map[string]string{"": "unicast", "10.1.0.3": "unicast eth1", "10.1.0.2": "unicast eth0"} {
			if got := between(t, open(t), src, "8.8.8.8"); got != want {
				t.Errorf("from %q with a rule for a source: %q, want %q", src, got, want)
			}
		}
	})
}

// TestManyLinks: the devices are listed once, whatever is asked, and no address
// is asked for twice.
func TestManyLinks(t *testing.T) {
	const links, addresses = 100, 5000
	netns.Run(t, func(t *testing.T) {
		before, err := net.Interfaces() // lo, and tunl0 and such if a module of tunnels is loaded
		if err != nil {
			t.Fatal(err)
		}
		var batch strings.Builder
		for i := range links {
			fmt.Fprintf(&batch, "link add l%d type veth peer name m%d\n", i, i)
		}
		batch.WriteString("link set l0 up\nlink set m0 up\naddress add 10.0.0.1/8 dev l0\n")
		ip := exec.Command("ip", "-batch", "-")
		ip.Stdin = strings.NewReader(batch.String())
		if out, err := ip.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		r := open(t)
		dst := netip.MustParseAddr("10.1.0.0")
		for range addresses {
			dst = dst.Next()
			for range 2 {
				if route, err := r.To(dst); err != nil || route.Device.Name != "l0" {
					t.Fatalf("%s: %+v, %v", dst, route, err)
				}
			}
		}
		// Two for the devices and the policy rules.
		if limit := 2 + addresses; len(r.links) != 2*links+len(before) || r.requests > limit {
			t.Errorf("%d devices, %d requests, want at most %d", len(r.links), r.requests, limit)
		}
	})
}

// settle waits for the route to an IPv6 address of the node's own, which the
// kernel adds a moment after the address.
func settle(t *testing.T, own string) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); between(t, open(t), "", own) != "local lo"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not become local", own)
		}
	}
}

func TestTypeName(t *testing.T) {
	var got []string
	for i := range uint8(6) {
		got = append(got, Route{Type: i}.TypeName())
	}
	if diff := cmp.Diff([]string{"none", "unicast", "local", "broadcast", "anycast", "multicast"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestNoRoute: which errors of the kernel mean that there is no route.
func TestNoRoute(t *testing.T) {
	for errno, want := range map[unix.Errno]bool{
		unix.ENETUNREACH:  true,
		unix.EACCES:       true, // prohibit
		unix.EOPNOTSUPP:   true, // ipv6.disable=1
		unix.EAFNOSUPPORT: true,
		unix.EPERM:        false,
		unix.ENOBUFS:      false,
	} {
		if got := noRoute(fmt.Errorf("rtnetlink: %w", errno)); got != want {
			t.Errorf("noRoute(%v) = %v", errno, got)
		}
	}
	if noRoute(nil) {
		t.Error("noRoute(nil) = true")
	}
}
