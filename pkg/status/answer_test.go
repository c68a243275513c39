// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/klog/v2/ktesting"
)

func TestHeaders(t *testing.T) {
	s := New("v1.2.3", both)
	for path, want := range map[string]http.Header{
		"/healthz": {"Content-Type": {"text/plain; charset=utf-8"}, "Cache-Control": {"no-store"}},
		"/readyz":  {"Content-Type": {"text/plain; charset=utf-8"}, "Cache-Control": {"no-store"}},
		"/metrics": {"Content-Type": {"text/plain; version=0.0.4; charset=utf-8"}},
	} {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if diff := cmp.Diff(want, w.Header()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// TestOptionsOfTheServer: net/http itself would answer "OPTIONS *" with 200.
func TestOptionsOfTheServer(t *testing.T) {
	address := serveForTest(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 418 ") {
		t.Errorf("answered %q, %v", answer, err)
	}
}

// broken is a collector that fails.
type broken struct{}

func (broken) Describe(chan<- *prometheus.Desc) {}
func (broken) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.NewInvalidMetric(prometheus.NewDesc("x", "x", nil, nil), errors.New("no such counter"))
}

func TestMetricsThatFail(t *testing.T) {
	s := New("v1.2.3", both)
	s.metrics.registry.MustRegister(broken{})
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 500 || !strings.Contains(w.Body.String(), "no such counter") || strings.Contains(w.Body.String(), "ip_masq_agent_") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// gone is the answer to a client that went away.
type gone struct {
	httptest.ResponseRecorder
	writes int
}

func (g *gone) Write([]byte) (int, error) {
	g.writes++
	return 0, net.ErrClosed
}

func TestMetricsForAClientThatWentAway(t *testing.T) {
	s := New("v1.2.3", both)
	w := &gone{ResponseRecorder: *httptest.NewRecorder()}
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.writes != 1 {
		t.Errorf("%d writes, want one", w.writes)
	}
}

// TestServeEndsWithItsListener: a listener that fails is an error.
func TestServeEndsWithItsListener(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := serve(t.Context(), newServer(http.NotFoundHandler()), listener); !errors.Is(err, net.ErrClosed) {
		t.Errorf("serve() = %v, want %v", err, net.ErrClosed)
	}
}

func TestErrorLog(t *testing.T) {
	logger := ktesting.NewLogger(ktesting.NopTL{}, ktesting.NewConfig(ktesting.BufferLogs(true)))
	if n, err := (errorLog{logger}).Write([]byte("accept failed\n")); n != 14 || err != nil {
		t.Errorf("Write() = %d, %v", n, err)
	}
	if log := logger.GetSink().(ktesting.Underlier).GetBuffer().String(); !strings.Contains(log, `err="accept failed"`) {
		t.Errorf("the log is %q", log)
	}
}
