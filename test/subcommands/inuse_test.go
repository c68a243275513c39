// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// TestBackendOfTheRunningAgent creates a chain of the kubelet in another
// backend after the agent's start. The agent keeps using its backend, and
// doctor and cleanup must find that one.
func TestBackendOfTheRunningAgent(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		netns.Require(t, netns.Command("iptables-legacy", family), netns.Command("iptables-nft", family))
		other := map[string]string{"iptables-nft": "iptables-legacy", "iptables-legacy": "iptables-nft"}[backend]
		mark := func(backend, do string) {
			if _, err := netns.Output(netns.Command(backend, "IPv4"), "-w", "5", "-t", "mangle", do, "KUBE-KUBELET-CANARY"); err != nil {
				t.Fatal(err)
			}
		}
		// With the HTTP server the agent reports its backend. Without it the
		// rules show the backend.
		for _, address := range []string{"127.0.0.1:10292", ""} {
			mark(backend, "-N")
			a := start(t, backend, goodFile(t), "--backend=auto", "--http-bind-address="+address)
			mark(backend, "-X")
			mark(other, "-N")
			r := subcommand(t, nil, "doctor", "-o", "json")
			var d struct{ Backend string }
			if err := json.Unmarshal([]byte(r.stdout), &d); err != nil || d.Backend != backend || r.status != 0 {
				t.Errorf("doctor: status %d, backend %s, %v: %s%s", r.status, d.Backend, err, r.stdout, r.stderr)
			}
			for _, args := range [][]string{{"cleanup"}, {"cleanup", "--backend=" + backend}} {
				if r := subcommand(t, nil, args...); r.status != 1 || !strings.Contains(r.stderr, "nothing was removed") {
					t.Errorf("%v: status %d: %s%s", args, r.status, r.stdout, r.stderr)
				}
			}
			if r := subcommand(t, nil, "cleanup", "--backend="+other); r.status != 0 {
				t.Errorf("cleanup of the other backend: status %d: %s%s", r.status, r.stdout, r.stderr)
			}
			if got := netns.List(t, backend, family, "IP-MASQ"); len(got) < 2 {
				t.Errorf("the agent's chain: %q", got)
			}
			a.Stop(syscall.SIGTERM)
			mark(other, "-X")
			if r := subcommand(t, nil, "cleanup"); r.status != 0 {
				t.Errorf("cleanup after the agent: status %d: %s%s", r.status, r.stdout, r.stderr)
			}
		}
	})
}

// TestCleanupBesideAnAgentWithoutServer has an agent with the backend
// nftables and without an HTTP server, and a chain with the agent's name in
// iptables-nft. It is not known which of the two the agent uses, so cleanup
// does not delete its table, also if it is called for another chain.
func TestCleanupBesideAnAgentWithoutServer(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		netns.Require(t, "iptables-nft", "nft")
		netns.Restore(t, "iptables-nft", "IPv4", "*nat\n:IP-MASQ - [0:0]\n-A POSTROUTING -j IP-MASQ\nCOMMIT\n")
		a := program.Start(t, program.Command([]string{"PATH=/nonexistent"}, "--http-bind-address=", "--config=/none"))
		a.WaitLog("Synced")
		for _, args := range [][]string{{"cleanup", "--masq-chain=OTHER", "--dry-run"}, {"cleanup", "--masq-chain=OTHER"}} {
			if r := subcommand(t, nil, args...); r.status != 0 || !strings.Contains(r.stdout, "may manage this table: its backend is unknown") {
				t.Errorf("%v: status %d: %s%s", args, r.status, r.stdout, r.stderr)
			}
		}
		if text, err := netns.Output("nft", "list", "table", "ip", "ip-masq-agent"); err != nil {
			t.Errorf("the agent's table is gone: %v\n%s", err, text)
		}
	})
}

// TestSeveralAgents checks that doctor distinguishes agents with the same chain
// from agents with different chains. An argument of a process must not add a
// line to the output.
func TestSeveralAgents(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		netns.Require(t, "iptables-nft", "ip6tables-nft")
		start(t, "iptables-nft", goodFile(t), "--masq-chain=IP-MASQ")
		second := program.Start(t, program.Command(nil, "--masq-chain=OTHER", "--backend=iptables-nft", "--http-bind-address=", "--config=/none\nok  forged"))
		second.WaitLog("Synced")
		if r := subcommand(t, nil, "doctor"); r.status != 1 || !strings.Contains(r.stderr, "each has its own chain") || strings.Contains(r.stderr, "\nok  forged") {
			t.Errorf("with two chains: status %d: %s", r.status, r.stderr)
		}
		third := program.Start(t, program.Command(nil, "--masq-chain=OTHER", "--backend=iptables-nft", "--http-bind-address="))
		third.WaitLog("Synced")
		if r := subcommand(t, nil, "explain", "8.8.8.8"); r.status != 1 || !strings.Contains(r.stderr, "some of them manage the same chain") {
			t.Errorf("with a shared chain: status %d: %s", r.status, r.stderr)
		}
	})
}
