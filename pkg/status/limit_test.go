// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patientServer is the server of Serve without its time limits, so that a test that is
// stopped for some seconds does not lose its connections.
func patientServer(handler http.Handler) *http.Server {
	server := newServer(handler)
	server.ReadHeaderTimeout, server.ReadTimeout, server.WriteTimeout, server.IdleTimeout = 0, 0, 0, 0
	return server
}

// serveForTest serves handler until the end of the test.
func serveForTest(t *testing.T, handler http.Handler) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- serve(ctx, patientServer(handler), listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// TestConnectionsAreLimited opens 200 connections that never finish a request.
// A request is answered all the same, and only the newest stay open.
func TestConnectionsAreLimited(t *testing.T) {
	address := serveForTest(t, New("v1.2.3", both).Handler())
	var conns []net.Conn
	for range 200 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: a\r\n"); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + address + "/healthz")
	if err != nil {
		t.Fatalf("no answer beside 200 connections: %v", err)
	}
	answer.Body.Close()
	const closed = 200 - (maxConnections - 1) // one gave way to the request
	for i, conn := range conns[:closed] {
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("connection %d is open, and there are %d newer ones", i, 200-i)
		}
	}
	for i, conn := range conns[closed:] {
		if !isOpen(t, conn) {
			t.Errorf("connection %d is closed, which is one of the newest", closed+i)
		}
	}
}

// isOpen reports whether the peer, which sends nothing, has not closed the connection.
// It does not wait.
func isOpen(t *testing.T, conn net.Conn) bool {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var answer error
	if err := raw.Read(func(fd uintptr) bool {
		_, _, answer = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_DONTWAIT)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return answer == syscall.EAGAIN
}

// TestHeaderIsLimited: net/http allows 4 KiB beyond MaxHeaderBytes.
func TestHeaderIsLimited(t *testing.T) {
	address := serveForTest(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for size, want := range map[int]int{8 << 10: 200, 24 << 10: 431} {
		r, err := http.NewRequest("GET", "http://"+address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Filler", strings.Repeat("x", size))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("a header of %d bytes: status %d, want %d", size, answer.StatusCode, want)
		}
	}
}
