// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netns

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// Connect connects two namespaces with a veth pair: aDev in a, bDev in b. Both
// devices are up and send packets. IPv6 link-local addresses are usable at once,
// as in [NS.Address].
func Connect(t testing.TB, a *NS, aDev string, b *NS, bDev string) {
	t.Helper()
	a.Sysctl(t, "net/ipv6/conf/default/accept_dad", "0")
	b.Sysctl(t, "net/ipv6/conf/default/accept_dad", "0")
	a.IP(t, "link add "+aDev+" type veth peer name "+bDev+" netns "+b.path)
	a.IP(t, "link set "+aDev+" up")
	b.IP(t, "link set "+bDev+" up")
	a.waitUp(t, aDev)
	b.waitUp(t, bDev)
}

// waitUp waits until a device is up. The kernel handles the carrier of a device
// asynchronously and drops all packets until then.
func (ns *NS) waitUp(t testing.TB, dev string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		state := ns.IP(t, "-brief link show dev "+dev) // such as "eth0@if2 UP ..."
		if words := strings.Fields(state); len(words) > 1 && words[1] == "UP" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the device is not up: %s", state)
		}
	}
}

// Address adds addresses, with their prefix lengths, to a device:
// "10.0.0.1/24". IPv6 addresses are usable at once, because duplicate address
// detection is off.
func (ns *NS) Address(t testing.TB, dev string, prefixes ...string) {
	t.Helper()
	for _, p := range prefixes {
		nodad := ""
		if netip.MustParsePrefix(p).Addr().Is6() {
			nodad = " nodad"
		}
		ns.IP(t, "address add "+p+" dev "+dev+nodad)
	}
}

// Route adds a route for prefix, or "default", through the gateway via.
func (ns *NS) Route(t testing.TB, prefix, via string) {
	t.Helper()
	family := "-4 "
	if netip.MustParseAddr(via).Is6() {
		family = "-6 "
	}
	ns.IP(t, family+"route add "+prefix+" via "+via)
}

// Forward turns on forwarding, as on a node, which routes the packets of its
// pods.
func (ns *NS) Forward(t testing.TB) {
	t.Helper()
	ns.Sysctl(t, "net/ipv4/ip_forward", "1")
	ns.Sysctl(t, "net/ipv6/conf/all/forwarding", "1")
}
