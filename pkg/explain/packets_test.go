// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/explain"
	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/predict"
	"ip-masq-agent/test/netns"
)

// world is a node, a pod, and another host that has many addresses.
type world struct {
	family       netfilter.Family
	podNS        *netns.NS
	pod, node    netip.Addr
	destinations []netip.Addr // the node's own comes first
}

func newWorld(t *testing.T, family string) *world {
	node, pod, host := netns.Here(t), netns.New(t), netns.New(t)
	netns.Connect(t, node, "pod0", pod, "eth0")
	netns.Connect(t, node, "eth0", host, "eth0")
	node.Forward(t)
	w := &world{podNS: pod}
	addr := netip.MustParseAddr
	if family == "IPv6" {
		w.family = netfilter.IPv6
		w.pod, w.node = addr("fd00:1::2"), addr("2001:db8::1")
		node.Address(t, "pod0", "fd00:1::1/64")
		pod.Address(t, "eth0", "fd00:1::2/64")
		node.Address(t, "eth0", "2001:db8::1/64")
		host.Address(t, "eth0", "2001:db8::2/64")
		pod.Route(t, "default", "fd00:1::1")
		host.Route(t, "default", "2001:db8::1")
		node.Route(t, "fd10::/16", "2001:db8::2")
	} else {
		w.pod, w.node = addr("10.1.0.2"), addr("192.0.2.1")
		node.Address(t, "pod0", "10.1.0.1/24")
		pod.Address(t, "eth0", "10.1.0.2/24")
		node.Address(t, "eth0", "192.0.2.1/24")
		host.Address(t, "eth0", "192.0.2.2/24")
		pod.Route(t, "default", "10.1.0.1")
		host.Route(t, "default", "192.0.2.1")
		node.Route(t, "10.64.0.0/10", "192.0.2.2")
	}
	w.destinations = []netip.Addr{w.node}
	netns.Serve(t, node, netip.AddrPortFrom(w.node, 80).String())
	for a := range 4 {
		for b := range 4 {
			dst := w.address(a, b)
			bits := "/32"
			if dst.Is6() {
				bits = "/128"
			}
			host.Address(t, "lo", dst.String()+bits)
			netns.Serve(t, host, netip.AddrPortFrom(dst, 80).String())
			w.destinations = append(w.destinations, dst)
		}
	}
	w.settle(t)
	return w
}

// settle waits for the route to an IPv6 address of the node, which the kernel adds
// after the address.
func (w *world) settle(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !w.question(t, w.node).Route.Local(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not become local", w.node)
		}
	}
}

// keeping returns a configuration that does not masquerade one destination.
func (w *world) keeping(dst netip.Addr) config.Config {
	return config.Config{NonMasquerade: []netip.Prefix{netip.PrefixFrom(dst, dst.BitLen())}}
}

func (w *world) pick(ipv4, ipv6 string) string {
	if w.family == netfilter.IPv6 {
		return ipv6
	}
	return ipv4
}

// address returns one of sixteen addresses, some of them close to each other.
func (w *world) address(a, b int) netip.Addr {
	if w.family == netfilter.IPv6 {
		return netip.MustParseAddr(fmt.Sprintf("fd10:%x::%x", a, b))
	}
	return netip.AddrFrom4([4]byte{10, byte(64 + a), byte(b), 7})
}

// prefix returns a random range that contains some of the addresses.
func (w *world) prefix(random *rand.Rand) netip.Prefix {
	bits := []int{8, 10, 14, 15, 16, 22, 23, 24, 32}
	if w.family == netfilter.IPv6 {
		bits = []int{8, 16, 30, 31, 32, 120, 126, 127, 128}
	}
	return netip.PrefixFrom(w.address(random.IntN(4), random.IntN(4)), bits[random.IntN(len(bits))]).Masked()
}

func (w *world) randomConfig(random *rand.Rand) config.Config {
	var c config.Config
	for range 1 + random.IntN(8) {
		p := w.prefix(random)
		switch {
		case slices.Contains(c.NonMasquerade, p) || slices.Contains(c.Masquerade, p): // the parser refuses that
		case random.IntN(3) == 0:
			c.Masquerade = append(c.Masquerade, p)
		default:
			c.NonMasquerade = append(c.NonMasquerade, p)
		}
	}
	switch pod := netip.PrefixFrom(w.pod, w.pod.BitLen()); random.IntN(4) {
	case 0:
		c.Source = []netip.Prefix{netip.PrefixFrom(w.node, w.node.BitLen()), pod}
	case 1:
		c.Source = []netip.Prefix{netip.PrefixFrom(w.pod.Next(), w.pod.BitLen())}
	}
	return c
}

// question returns a connection from the pod.
func (w *world) question(t *testing.T, dst netip.Addr) explain.Question {
	t.Helper()
	routes, err := host.OpenRoutes()
	if err != nil {
		t.Fatal(err)
	}
	defer routes.Close()
	q := explain.Question{Connection: predict.Connection{Source: w.pod, Destination: dst}}
	if q.Route, err = routes.Between(w.pod, dst); err != nil {
		t.Fatal(err)
	}
	if q.SourceRoute, err = routes.To(w.pod); err != nil {
		t.Fatal(err)
	}
	return q
}

// live returns the answer by the kernel.
func (w *world) live(t *testing.T, q explain.Question) explain.Answer {
	t.Helper()
	rules, _ := predict.Read(t.Context(), "IP-MASQ")
	return explain.ByKernel(q, predict.New(rules, "IP-MASQ"))
}

// connect returns what happens to a real packet.
func (w *world) connect(t *testing.T, dst netip.Addr) netfilter.Fate {
	t.Helper()
	source, err := netns.Dial(w.podNS, netip.AddrPortFrom(dst, 80).String())
	if err != nil {
		t.Fatal(err)
	}
	switch source.Addr() {
	case w.pod:
		return netfilter.Kept
	case w.node:
		return netfilter.Masqueraded
	}
	return netfilter.Translated
}
