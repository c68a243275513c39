// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// listeners returns the TCP sockets of this namespace that listen, as in
// /proc/net/tcp: address and port in hexadecimal.
func listeners(t testing.TB) []string {
	t.Helper()
	var found []string
	for _, file := range []string{"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 3 && f[3] == "0A" { // TCP_LISTEN
				found = append(found, f[1])
			}
		}
	}
	return found
}

// waitRules waits for the rules without asking the agent.
func (n *node) waitRules() {
	n.t.Helper()
	program.Eventually(n.t, func() string {
		if netns.List(n.t, "iptables-nft", "IPv4", "IP-MASQ") == nil {
			return "no chain IP-MASQ"
		}
		return ""
	})
}

// TestListensOnLoopbackAlone checks on which addresses the agent listens for
// values of --http-bind-address.
func TestListensOnLoopbackAlone(t *testing.T) {
	tests := map[string]struct{ flag, want string }{
		"by default":  {"--v=0", "0100007F:2834"},
		"in brackets": {"--http-bind-address=[127.0.0.1]:10292", "0100007F:2834"}, // as in manifests/node-ip
		"IPv6":        {"--http-bind-address=[::1]:10292", "00000000000000000000000001000000:2834"},
		"off":         {"--http-bind-address=", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			netns.Run(t, func(t *testing.T) {
				n := newNode(t, good)
				n.start("--backend=iptables-nft", tt.flag)
				n.waitRules() // the server starts before the first sync
				program.Eventually(n.t, func() string {
					if got := strings.Join(listeners(t), " "); got != tt.want {
						return "listeners are " + got + ", want " + tt.want
					}
					return ""
				})
			})
		})
	}
}

// TestTakenPort checks that the agent logs a port in use once, syncs its rules,
// and serves when the port is free.
func TestTakenPort(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		holder, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer holder.Close()
		n := newNode(t, good)
		n.start("--backend=iptables-nft")
		n.waitRules()
		const complaint = "Cannot serve health and metrics"
		program.Eventually(n.t, func() string {
			if log := n.agent.Log.String(); !strings.Contains(log, complaint) || !strings.Contains(log, "address already in use") {
				return "the log has no error about the port"
			}
			return ""
		})
		netns.IPTables(t, "iptables-nft", "IPv4", "-F", "IP-MASQ")
		program.Eventually(n.t, func() string { // rules are repaired without the server
			if len(netns.List(t, "iptables-nft", "IPv4", "IP-MASQ")) < 2 {
				return "the flushed chain was not repaired"
			}
			return ""
		})
		holder.Close()
		n.waitFor("/readyz", 200, "ok")
		if times := strings.Count(n.agent.Log.String(), complaint); times != 1 {
			t.Errorf("the error was logged %d times, want once", times)
		}
	})
}

// TestEndsSlowConnections checks that the agent closes the connection of a
// client that never finishes its request, because each connection uses memory.
func TestEndsSlowConnections(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		n := newNode(t, good)
		n.start()
		n.waitFor("/readyz", 200, "ok")
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(program.Patience))
		if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: a\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the connection was not closed: %v", err)
		}
		n.checkHealthy()
	})
}

// TestManyConnections checks that many clients that never finish their requests
// neither block the kubelet nor use much of the agent's memory.
func TestManyConnections(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		n := newNode(t, good)
		n.start()
		n.waitFor("/readyz", 200, "ok")
		before := n.memory()
		var conns []net.Conn
		defer func() {
			for _, c := range conns {
				c.Close()
			}
		}()
		for range 5000 {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, conn)
			if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: a\r\n"); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
				t.Fatal(err)
			}
		}
		n.checkHealthy()
		if grown := n.memory() - before; grown > 8<<10 {
			t.Errorf("the agent grew by %d kB", grown)
		}
		n.write(other) // the agent has file descriptors left to read the file
		n.waitFor("/metrics", 200, "\nip_masq_agent_rules{family=\"IPv4\"} 4\n")
	})
}

// memory returns the agent's resident memory in kB.
func (n *node) memory() int {
	n.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.agent.PID()))
	if err != nil {
		n.t.Fatal(err)
	}
	_, rss, _ := strings.Cut(string(status), "VmRSS:")
	kB, err := strconv.Atoi(strings.Fields(rss)[0])
	if err != nil {
		n.t.Fatal(err)
	}
	return kB
}
