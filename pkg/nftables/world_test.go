// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// world is a node with a pod on it and a network outside, as
//
//	pod eth0 -- pod0 node out0 -- eth0 outside
//
// where outside has every address, serves on port 8080 of TCP and UDP, and
// knows the way to the pod.
type world struct {
	t                  testing.TB
	node, pod, outside *netns.NS
	podAddr, nodeAddr  netip.Addr
	sent               int // datagrams

	mu  sync.Mutex
	udp map[string]netip.AddrPort // the sources of datagrams, by their content
}

func newWorld(t testing.TB, f netfilter.Family) *world {
	t.Helper()
	pick := func(v4, v6 string) string {
		return map[netfilter.Family]string{netfilter.IPv4: v4, netfilter.IPv6: v6}[f]
	}
	w := &world{
		t: t, node: netns.Here(t), pod: netns.New(t), outside: netns.New(t),
		podAddr:  netip.MustParseAddr(pick("100.64.1.2", "2001:db8:64::2")),
		nodeAddr: netip.MustParseAddr(pick("192.0.2.1", "2001:db8::1")),
		udp:      map[string]netip.AddrPort{},
	}
	w.node.Forward(t)
	netns.Connect(t, w.node, "pod0", w.pod, "eth0")
	w.node.Address(t, "pod0", pick("100.64.1.1/24", "2001:db8:64::1/64"))
	w.pod.Address(t, "eth0", pick("100.64.1.2/24", "2001:db8:64::2/64"))
	w.pod.Route(t, "default", pick("100.64.1.1", "2001:db8:64::1"))

	netns.Connect(t, w.node, "out0", w.outside, "eth0")
	w.node.Address(t, "out0", pick("192.0.2.1/24", "2001:db8::1/64"))
	w.node.Route(t, "default", pick("192.0.2.2", "2001:db8::2"))
	w.outside.Address(t, "eth0", pick("192.0.2.2/24", "2001:db8::2/64"))
	w.outside.Route(t, pick("100.64.1.0/24", "2001:db8:64::/64"), pick("192.0.2.1", "2001:db8::1"))
	w.outside.IP(t, pick("-4", "-6")+" route add local default dev lo table main metric 1")
	netns.Serve(t, w.outside, ":8080")
	netns.Serve(t, w.node, ":8080")
	w.serveUDP()
	return w
}

// serveUDP notes the source of each datagram, under its content.
func (w *world) serveUDP() {
	w.t.Helper()
	var conn *net.UDPConn
	err := w.outside.Do(func() (err error) {
		conn, err = net.ListenUDP("udp", &net.UDPAddr{Port: 8080})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			n, source, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			w.mu.Lock()
			w.udp[string(b[:n])] = netip.AddrPortFrom(source.Addr().Unmap(), source.Port())
			w.mu.Unlock()
		}
	}()
}

// tcp returns the source that outside sees of a new connection of the pod.
func (w *world) tcp(destination string) netip.AddrPort {
	w.t.Helper()
	source, err := netns.Dial(w.pod, net.JoinHostPort(destination, "8080"))
	if err != nil {
		w.t.Fatal(err)
	}
	return source
}

// datagram returns the source that outside sees of a datagram of the pod.
func (w *world) datagram(destination string) netip.AddrPort {
	w.t.Helper()
	w.sent++
	content := destination + " " + strconv.Itoa(w.sent)
	err := w.pod.Do(func() error {
		conn, err := net.Dial("udp", net.JoinHostPort(destination, "8080"))
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = fmt.Fprint(conn, content)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		w.mu.Lock()
		source, ok := w.udp[content]
		w.mu.Unlock()
		if ok {
			return source
		}
	}
	w.t.Fatalf("no datagram to %s arrived", destination)
	return netip.AddrPort{}
}
