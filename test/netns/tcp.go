// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netns

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// patience is the time limit of each step of a connection between two
// namespaces.
const patience = 30 * time.Second

// Serve listens on the TCP address addr in the namespace until the test ends,
// and sends each client the source address that it sees.
func Serve(t testing.TB, ns *NS, addr string) {
	t.Helper()
	var listener net.Listener
	err := ns.Do(func() (err error) {
		listener, err = net.Listen("tcp", addr)
		return err
	})
	if err != nil {
		t.Fatalf("serving in a network namespace: %v", err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.SetDeadline(time.Now().Add(patience))
			io.WriteString(conn, conn.RemoteAddr().String())
			conn.Close()
		}
	}()
}

// Dial connects from the namespace to a server started by [Serve] and returns
// the source address that the server saw.
func Dial(ns *NS, addr string) (netip.AddrPort, error) {
	return dial(ns, net.Dialer{Timeout: patience}, addr)
}

// DialFrom is [Dial] from a given source address of the namespace.
func DialFrom(ns *NS, source netip.Addr, addr string) (netip.AddrPort, error) {
	local := net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
	return dial(ns, net.Dialer{Timeout: patience, LocalAddr: local}, addr)
}

func dial(ns *NS, dialer net.Dialer, addr string) (netip.AddrPort, error) {
	var conn net.Conn
	err := ns.Do(func() (err error) {
		conn, err = dialer.Dial("tcp", addr)
		return err
	})
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("dialling from a network namespace: %w", err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	answer, err := io.ReadAll(conn)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("reading the source address from %s: %w", addr, err)
	}
	return netip.ParseAddrPort(string(answer))
}
