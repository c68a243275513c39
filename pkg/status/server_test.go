// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"

	"ip-masq-agent/pkg/netfilter"
)

// patience ends a test that would otherwise hang.
const patience = 2 * time.Minute

func TestHandler(t *testing.T) {
	type answer struct {
		Code int
		Body string
	}
	ready := New("v1.2.3", both[:1])
	ready.ConfigRead(valid())
	synced(netfilter.IPv4, verified())(ready)
	fresh := New("v1.2.3", both[:1])

	tests := []struct {
		name         string
		status       *Status
		method, path string
		want         answer
	}{
		{"healthy", fresh, "GET", "/healthz", answer{200, "ok\n"}},
		{"ready", ready, "GET", "/readyz", answer{200, "ok\n"}},
		{"not ready", fresh, "GET", "/readyz", answer{503, "the configuration was not read yet; IPv4: not verified yet\n"}},
		{"no root", ready, "GET", "/", answer{404, "404 page not found\n"}},
		{"no pprof", ready, "GET", "/debug/pprof/", answer{404, "404 page not found\n"}},
		{"no expvar", ready, "GET", "/debug/vars", answer{404, "404 page not found\n"}},
		{"no flags", ready, "PUT", "/debug/flags/v", answer{404, "404 page not found\n"}},
		{"POST", ready, "POST", "/healthz", answer{405, "Method Not Allowed\n"}},
		{"PUT", ready, "PUT", "/readyz", answer{405, "Method Not Allowed\n"}},
		{"DELETE", ready, "DELETE", "/metrics", answer{405, "Method Not Allowed\n"}},
		{"OPTIONS", ready, "OPTIONS", "/metrics", answer{405, "Method Not Allowed\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			tt.status.Handler().ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
			if diff := cmp.Diff(tt.want, answer{w.Code, w.Body.String()}); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", tt.method, tt.path, diff)
			}
		})
	}
}

// TestHead: the answer to HEAD is that to GET, without the body.
func TestHead(t *testing.T) {
	s := New("v1.2.3", both[:1])
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/metrics": 200} {
		answer, err := http.Head(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != want || len(body) != 0 || err != nil {
			t.Errorf("HEAD %s: %d, a body of %d bytes, %v; want %d and none", path, answer.StatusCode, len(body), err, want)
		}
	}
}

// TestTimeouts: the server has a time limit for each part of a connection.
func TestTimeouts(t *testing.T) {
	s := newServer(http.NotFoundHandler())
	got := map[string]time.Duration{
		"ReadHeaderTimeout": s.ReadHeaderTimeout, "ReadTimeout": s.ReadTimeout,
		"WriteTimeout": s.WriteTimeout, "IdleTimeout": s.IdleTimeout,
	}
	want := map[string]time.Duration{
		"ReadHeaderTimeout": 5 * time.Second, "ReadTimeout": 5 * time.Second,
		"WriteTimeout": 10 * time.Second, "IdleTimeout": 30 * time.Second,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestServerErrorsAreLogged has a handler that panics, which net/http reports only to
// its own log.
func TestServerErrorsAreLogged(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := ktesting.NewConfig(ktesting.BufferLogs(true))
	logger := ktesting.NewLogger(ktesting.NopTL{}, config)
	ctx, cancel := context.WithCancel(klog.NewContext(context.Background(), logger))
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, patientServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a bug") })), listener)
	}()
	if answer, err := http.Get("http://" + listener.Addr().String()); err == nil {
		answer.Body.Close()
		t.Error("a handler that panics has answered")
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("the end is an error: %v", err)
	}
	if log := logger.GetSink().(ktesting.Underlier).GetBuffer().String(); !strings.Contains(log, "err=<\n\thttp: panic serving") || !strings.Contains(log, "a bug") {
		t.Errorf("the log is %q", log)
	}
}

// TestTakenPort: the agent serves a port in use as soon as it is free, and releases
// it when it stops.
func TestTakenPort(t *testing.T) {
	// No other program takes a free port of this address.
	holder, err := net.Listen("tcp", "127.83.27.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := holder.Addr().String()
	logger := ktesting.NewLogger(ktesting.NopTL{}, ktesting.NewConfig(ktesting.BufferLogs(true)))
	ctx, cancel := context.WithCancel(klog.NewContext(context.Background(), logger))
	defer cancel()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		New("v1.2.3", both).Serve(ctx, address)
	}()
	logged := func(text string) int {
		return strings.Count(logger.GetSink().(ktesting.Underlier).GetBuffer().String(), text)
	}
	deadline := time.Now().Add(patience)
	for logged("Cannot serve") == 0 {
		if time.Now().After(deadline) {
			t.Fatal("the taken port was not logged")
		}
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(2*listenRetry + listenRetry/2)
	if n := logged("Cannot serve"); n != 1 {
		t.Errorf("the taken port was logged %d times in three attempts, want once", n)
	}
	if n := logged("Serving /healthz"); n != 0 {
		t.Errorf("logged %d times that the taken port is served", n)
	}
	holder.Close()

	client := http.Client{Timeout: patience}
	deadline = time.Now().Add(patience)
	for {
		answer, err := client.Get("http://" + address + "/healthz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode != 200 {
				t.Errorf("/healthz: %s", answer.Status)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("not served though the port is free: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	cancel()
	select {
	case <-stopped:
	case <-time.After(patience):
		t.Fatal("it did not stop")
	}
	if n := logged("Cannot serve"); n != 1 {
		t.Errorf("the end was logged as a failure: %d in all, want 1", n)
	}
	if n := logged("Serving /healthz"); n != 1 {
		t.Errorf("logged %d times that the port is served, want once", n)
	}
	if again, err := net.Listen("tcp", address); err != nil {
		t.Errorf("the port was not released: %v", err)
	} else {
		again.Close()
	}
}
