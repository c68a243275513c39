// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package packets_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
)

// ports are the UDP and TCP ports on which the outside listens.
var ports = []int{53, 8080}

// observer records the source addresses of packets that arrive outside. Every
// packet contains a unique number.
type observer struct {
	mu   sync.Mutex
	seen map[uint64]netip.Addr
	news chan struct{} // closed and replaced when a packet arrives
}

// observe listens in a namespace until the test ends.
func observe(t *testing.T, ns *netns.NS) *observer {
	t.Helper()
	o := &observer{seen: map[uint64]netip.Addr{}, news: make(chan struct{})}
	for _, port := range ports {
		var packets net.PacketConn
		var listener net.Listener
		err := ns.Do(func() (err error) {
			if packets, err = net.ListenPacket("udp", fmt.Sprintf(":%d", port)); err != nil {
				return err
			}
			listener, err = net.Listen("tcp", fmt.Sprintf(":%d", port))
			return err
		})
		if err != nil {
			t.Fatalf("listening outside: %v", err)
		}
		t.Cleanup(func() { packets.Close(); listener.Close() })
		go o.readPackets(packets)
		go o.acceptAll(listener)
	}
	return o
}

func (o *observer) readPackets(c net.PacketConn) {
	buf := make([]byte, 64)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		if n == 8 {
			o.note(binary.BigEndian.Uint64(buf), from)
		}
	}
}

func (o *observer) acceptAll(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			c.SetDeadline(time.Now().Add(patience))
			var number [8]byte
			if _, err := io.ReadFull(c, number[:]); err == nil {
				o.note(binary.BigEndian.Uint64(number[:]), c.RemoteAddr())
			}
		}()
	}
}

func (o *observer) note(number uint64, from net.Addr) {
	a := netip.MustParseAddrPort(from.String()).Addr().Unmap()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen[number] = a
	close(o.news)
	o.news = make(chan struct{})
}

// wait waits until all packets with these numbers have arrived or the time is
// over.
func (o *observer) wait(numbers []uint64, d time.Duration) {
	end := time.After(d)
	for {
		o.mu.Lock()
		missing := 0
		for _, n := range numbers {
			if _, ok := o.seen[n]; !ok {
				missing++
			}
		}
		news := o.news
		o.mu.Unlock()
		if missing == 0 {
			return
		}
		select {
		case <-news:
		case <-end:
			return
		}
	}
}

func (o *observer) source(number uint64) netip.Addr {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.seen[number]
}
