// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package running

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"time"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/status"
)

const (
	// metricsTimeout bounds the request for the metrics if its context has no deadline.
	metricsTimeout = 2 * time.Second
	// maxMetrics is the maximum size of the response in bytes. The agent's has some
	// 20 KiB.
	maxMetrics = 1 << 20
)

// metrics reads the metrics of the agent.
func (a *Agent) metrics(ctx context.Context) ([]byte, error) {
	address, err := a.serverAddress()
	if err != nil {
		return nil, err
	}
	return getMetrics(ctx, address)
}

// serverAddress returns the address of the agent's HTTP server. It is an error if
// the process does not listen there: another program may use the port.
func (a *Agent) serverAddress() (string, error) {
	address, port, err := localAddress(a.Options.HTTPAddress)
	if err != nil {
		return "", err
	}
	if !procfs("/proc").listens(a.PID, port) {
		return "", fmt.Errorf("process %d does not listen on port %d", a.PID, port)
	}
	return address, nil
}

// localAddress returns the address at which a local client reaches a server with
// this --http-bind-address, and its port.
func localAddress(bind string) (string, uint16, error) {
	host, port, err := net.SplitHostPort(bind)
	if err != nil {
		return "", 0, err
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	number, err := net.LookupPort("tcp", port)
	if err != nil {
		return "", 0, err
	}
	return net.JoinHostPort(host, port), uint16(number), nil
}

// getMetrics sends one request. It does not use [http.Client], which adds 0.3 MB to
// the program.
func getMetrics(ctx context.Context, address string) ([]byte, error) {
	timeout := metricsTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	}
	dialer := net.Dialer{Timeout: timeout}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(conn, "GET /metrics HTTP/1.0\r\nHost: %s\r\n\r\n", address); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, maxMetrics)), nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// areMetricsOfAgent reports whether metrics are those of an agent, also of one that
// has no rules yet.
func areMetricsOfAgent(metrics []byte) bool {
	return regexp.MustCompile(`(?m)^ip_masq_agent_build_info\{`).Match(metrics)
}

// chainInMetrics returns the chain that the metrics name; empty if there is none.
func chainInMetrics(metrics []byte) string {
	found := regexp.MustCompile(`(?m)^` + status.BackendMetric + `\{[^}]*\bchain="([^"]+)"`).FindSubmatch(metrics)
	if found == nil {
		return ""
	}
	return string(found[1])
}

// backendInMetrics returns the backend that the metrics name; empty if there is
// none.
func backendInMetrics(metrics []byte) string {
	found := regexp.MustCompile(`(?m)^` + status.BackendMetric + `\{backend="([a-z-]+)",`).FindSubmatch(metrics)
	if found == nil {
		return ""
	}
	return string(found[1])
}

// hasFamily reports whether the metrics name a backend for an IP family.
func hasFamily(metrics []byte, f netfilter.Family) bool {
	return regexp.MustCompile(`(?m)^` + status.BackendMetric + `\{[^}]*\bfamily="` + f.String() + `"\}`).Match(metrics)
}
