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
	"testing"
	"time"
)

// serveForTest serves handler as Serve does, until the end of the test.
func serveForTest(t *testing.T, handler http.Handler) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- serve(ctx, handler, listener) }()
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
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + address + "/healthz")
	if err != nil {
		t.Fatalf("no answer beside 200 connections: %v", err)
	}
	answer.Body.Close()
	open := 0
	for i, conn := range conns {
		conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			if open++; i <= 200-maxConnections {
				t.Errorf("connection %d is open, and newer ones were closed", i)
			}
		}
	}
	if open != maxConnections-1 { // one gave way to the request
		t.Errorf("%d connections are open, want %d", open, maxConnections-1)
	}
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
