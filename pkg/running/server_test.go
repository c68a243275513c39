// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package running

import (
	"context"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/status"
)

// serve accepts one connection and writes a response, or nothing if it is empty.
func serve(t *testing.T, response string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { listener.Close(); close(done) })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if response == "" {
			<-done
			return
		}
		conn.Read(make([]byte, 4096))
		conn.Write([]byte(response))
	}()
	return listener.Addr().String()
}

// full returns an address at which the kernel accepts no connection: the backlog of
// the listener is full, so that connecting takes until the timeout.
func full(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*unix.SockaddrInet4).Port}).String()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return address
}

func TestFindServer(t *testing.T) {
	const ok = "HTTP/1.0 200 OK\r\n\r\n"
	const build = ok + `ip_masq_agent_build_info{version="1"} 1` + "\n"
	of := func(b string) string {
		return build + status.BackendMetric + `{backend="` + b + `",chain="A",family="IPv4"} 1` + "\n"
	}
	tests := []struct {
		name            string
		address         string
		found           bool
		a, b, legacyOfA bool // manages chain A, chain B, chain A of iptables-legacy
		table, tableOfA bool // manages the table, for cleanup of chain B and of chain A
	}{
		{"no address", "", false, false, false, false, false, false},
		{"nothing listens", "127.0.0.1:1", false, false, false, false, false, false},
		{"nothing accepts", full(t), false, false, false, false, false, false},
		{"another program", serve(t, ok+"x 1\n"), false, false, false, false, false, false},
		{"no HTTP", serve(t, "hello\r\n"), false, false, false, false, false, false},
		{"no answer", serve(t, ""), true, true, true, true, true, true},
		{"starting", serve(t, build), true, true, true, true, true, true},
		{"iptables-nft", serve(t, of("iptables-nft")), true, true, false, false, false, false},
		{"iptables-legacy", serve(t, of("iptables-legacy")), true, true, false, true, false, false},
		{"nftables", serve(t, of("nftables")), true, true, false, false, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			timeout := time.Minute // all others answer at once
			switch tt.name {
			case "nothing accepts":
				timeout = time.Second
			case "no answer":
				timeout = 5 * time.Second // it has to accept before
			}
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			s := FindServer(ctx, tt.address)
			if got := s != nil; got != tt.found {
				t.Fatalf("found %v, want %v", got, tt.found)
			}
			got := []bool{s.Manages("A", backend.Auto), s.Manages("B", backend.Auto), s.Manages("A", backend.IPTablesLegacy), s.ManagesTable("B"), s.ManagesTable("A")}
			for i, want := range []bool{tt.a, tt.b, tt.legacyOfA, tt.table, tt.tableOfA} {
				if got[i] != want {
					t.Errorf("answer %d: %v, want %v", i, got[i], want)
				}
			}
		})
	}
}
