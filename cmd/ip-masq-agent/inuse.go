// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	backends "ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/doctor"
	"ip-masq-agent/pkg/status"
)

// liveAgent returns the agent that would write again the rules of a chain in a
// backend, nil if none can be seen. The backend "auto" is any. An agent whose
// backend is not known may use any.
func liveAgent(ctx context.Context, chain, backend string) *runningAgent {
	for _, a := range runningAgents() {
		if a.flags.masq.ChainName != chain {
			continue
		}
		if in := a.backend(ctx); in == "" || backend == "auto" || backend == in {
			return a
		}
	}
	return nil
}

// backend returns the backend that the agent really uses, which need not be the
// one that detection would choose now; empty if it is not known. It is the one
// that its flags name, or that its metrics do, or the only one that has its
// chain with a jump to it.
func (a *runningAgent) backend(ctx context.Context) string {
	if a.flags.backend != backends.Auto {
		return string(a.flags.backend)
	}
	if in, err := a.backendOfMetrics(ctx); err == nil {
		return in
	}
	return doctor.BackendWith(ctx, a.flags.masq.ChainName)
}

// maxMetrics bounds what is read of /metrics, which has some 20 KiB.
const maxMetrics = 1 << 20

// metrics asks the agent's own server.
func (a *runningAgent) metrics(ctx context.Context) ([]byte, error) {
	address, err := a.listens()
	if err != nil {
		return nil, err
	}
	return getMetrics(ctx, address)
}

// backendOfMetrics returns the backend that the agent's metrics name.
func (a *runningAgent) backendOfMetrics(ctx context.Context) (string, error) {
	text, err := a.metrics(ctx)
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(`(?m)^` + status.BackendMetric + `\{backend="([a-z-]+)",`).FindSubmatch(text)
	if found == nil {
		return "", errors.New("the agent's metrics do not name its backend")
	}
	return string(found[1]), nil
}

// metricsTimeout bounds the request for the agent's metrics.
const metricsTimeout = 2 * time.Second

// getMetrics reads /metrics at an address. It is one request without
// http.Client, which would add 0.3 MB to the program.
func getMetrics(ctx context.Context, address string) ([]byte, error) {
	dialer := net.Dialer{Timeout: metricsTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(metricsTimeout)); err != nil {
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

// listens returns the address of the agent's server, if the process itself
// listens there: the port may have been taken by another program.
func (a *runningAgent) listens() (string, error) {
	host, port, err := net.SplitHostPort(a.flags.httpAddress)
	if err != nil {
		return "", err
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", err
	}
	for _, inode := range listeners(uint16(number)) {
		descriptors, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", a.PID)) // errs on bad patterns alone
		for _, d := range descriptors {
			if to, _ := os.Readlink(d); to == "socket:["+inode+"]" {
				return net.JoinHostPort(host, port), nil
			}
		}
	}
	return "", fmt.Errorf("process %d does not listen on port %s", a.PID, port)
}

// listeners returns the inodes of the TCP sockets that listen on a port, from
// /proc/net/tcp and tcp6, see proc(5).
func listeners(port uint16) []string {
	const (
		local, state, inode = 1, 3, 9 // columns
		listen              = "0A"    // TCP_LISTEN
	)
	var out []string
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(line)
			if len(words) > inode && words[state] == listen && strings.HasSuffix(words[local], fmt.Sprintf(":%04X", port)) {
				out = append(out, words[inode])
			}
		}
	}
	return out
}
