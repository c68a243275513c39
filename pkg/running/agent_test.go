// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package running

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/flags"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/status"
)

// agentWith returns an agent with these arguments.
func agentWith(t *testing.T, pid int, args ...string) *Agent {
	t.Helper()
	set := flags.NewOtherAgent()
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return &Agent{PID: pid, Args: args, Options: set.Options}
}

func TestSeveralAgents(t *testing.T) {
	tests := []struct {
		chains []string
		want   string
	}{
		{[]string{"A", "B"}, "2 agents run on this node, and each has its own chain, so traffic is masqueraded if one of the chains says so. Stop all but one, or give the flags of the agent to examine\nprocess 1: --masq-chain=A\nprocess 2: --masq-chain=B"},
		{[]string{"A", "A"}, "2 agents run on this node, and some of them manage the same chain, so each overwrites the rules of the other if their files differ. Stop all but one, or give the flags of the agent to examine\nprocess 1: --masq-chain=A\nprocess 2: --masq-chain=A"},
	}
	for _, tt := range tests {
		var agents []*Agent
		for i, chain := range tt.chains {
			agents = append(agents, agentWith(t, i+1, "--masq-chain="+chain))
		}
		if diff := cmp.Diff(tt.want, severalAgents(agents).Error()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestLine(t *testing.T) {
	a := agentWith(t, 1, "--config=/a\n\x1b[31mb")
	if diff := cmp.Diff(`--config=/a\n\x1b[31mb`, a.Line()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestConfigFile uses this process as the agent: it has no other mount namespace.
func TestConfigFile(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for config, want := range map[string]string{"/a/b": "/a/b", "b": dir + "/b"} {
		if got := agentWith(t, os.Getpid(), "--config="+config).ConfigFile(); got != want {
			t.Errorf("ConfigFile of %s = %s, want %s", config, got, want)
		}
	}
}

// TestBackend asks a server of this process for its metrics.
func TestBackend(t *testing.T) {
	metrics := "# HELP x y\n" + status.BackendMetric + `{backend="iptables-legacy",family="IPv4"} 1` + "\n"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			w.Write([]byte(metrics))
		}
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	tests := []struct {
		name string
		pid  int
		args []string
		want backend.Name
	}{
		{"by its flags", os.Getpid(), []string{"--backend=nftables", "--http-bind-address=" + address}, "nftables"},
		{"by its metrics", os.Getpid(), []string{"--http-bind-address=" + address}, "iptables-legacy"},
		{"another process has the port", 1, []string{"--http-bind-address=" + address, "--masq-chain=no-such-chain"}, ""},
		{"without a server", os.Getpid(), []string{"--http-bind-address=", "--masq-chain=no-such-chain"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if got := agentWith(t, tt.pid, tt.args...).Backend(ctx); got != tt.want {
				t.Errorf("backend %q, want %q", got, tt.want)
			}
		})
	}
}

func TestServerAddress(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for _, host := range []string{"", "0.0.0.0", "[::]", "127.0.0.1"} {
		got, err := agentWith(t, os.Getpid(), "--http-bind-address="+host+":"+port).serverAddress()
		if want := "127.0.0.1:" + port; got != want || err != nil {
			t.Errorf("serverAddress of %q = %q, %v; want %s", host, got, err, want)
		}
	}
}

func TestManagesIPv6(t *testing.T) {
	tests := []struct {
		arg  string
		want bool
		why  string
	}{
		{"--enable-ipv6", true, ""},
		{"--enable-ipv6=false", false, "--enable-ipv6 is off"},
	}
	for _, tt := range tests {
		a := agentWith(t, 1, tt.arg)
		if got, why := ManagesIPv6(context.Background(), a.Options, a); got != tt.want || why != tt.why {
			t.Errorf("%s: %v, %q; want %v, %q", tt.arg, got, why, tt.want, tt.why)
		}
	}
}

func TestMetrics(t *testing.T) {
	tests := []struct {
		name, metrics string
		backend       string
		hasIPv6       bool
	}{
		{"none", "", "", false},
		{"in a comment", "# " + status.BackendMetric + `{backend="a",family="IPv6"} 1`, "", false},
		{"IPv4", status.BackendMetric + `{backend="nftables",family="IPv4"} 1`, "nftables", false},
		{"both", status.BackendMetric + `{backend="nftables",family="IPv4"} 1` + "\n" + status.BackendMetric + `{backend="nftables",family="IPv6"} 1`, "nftables", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := backendInMetrics([]byte(tt.metrics)); got != tt.backend {
				t.Errorf("backend %q, want %q", got, tt.backend)
			}
			if got := hasFamily([]byte(tt.metrics), netfilter.IPv6); got != tt.hasIPv6 {
				t.Errorf("IPv6 %v, want %v", got, tt.hasIPv6)
			}
		})
	}
}
