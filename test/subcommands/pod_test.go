// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"bytes"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// inPod returns the agent's command in a PID namespace of its own with its own
// /proc, and in the network namespace of the test, as in a pod with hostNetwork and
// without hostPID.
func inPod(args ...string) *exec.Cmd {
	cmd := program.Command(nil)
	const script = `mount --make-rprivate / && mount -t proc proc /proc && exec "$0" "$@"`
	cmd.Args = append([]string{"sh", "-c", script, program.Path()}, args...)
	cmd.Path = "/bin/sh"
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	return cmd
}

// podSubcommand runs a subcommand in a pod of its own until it ends.
func podSubcommand(t testing.TB, args ...string) result {
	t.Helper()
	cmd := inPod(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatalf("running %q: %v", args, err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// eachBackend runs a test on a node of each backend, with an agent that has synced
// its rules.
func eachBackend(t *testing.T, f func(t *testing.T, backend string, agent *program.Process)) {
	for backend, command := range map[string]string{"iptables-nft": "iptables-nft", "iptables-legacy": "iptables-legacy", "nftables": "nft"} {
		t.Run(backend, func(t *testing.T) {
			netns.Run(t, func(t *testing.T) {
				netns.Require(t, command)
				a := program.Start(t, program.Command(nil, "--backend="+backend, "--config=/none", "--enable-ipv6=false"))
				a.WaitLog("Serving")
				a.WaitLog("Synced")
				f(t, backend, a)
			})
		})
	}
}

// TestCleanupFindsTheAgentOfAnotherPod runs cleanup where it does not see the
// process of the agent. It finds the agent by its HTTP server.
func TestCleanupFindsTheAgentOfAnotherPod(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string, _ *program.Process) {
		others := map[string]string{"iptables-nft": "iptables-legacy", "iptables-legacy": "nftables", "nftables": "iptables-nft"}
		tests := []struct {
			args   string
			status int
			want   string
		}{
			{"", 1, "the agent that answers at 127.0.0.1:10292 on this node manages chain IP-MASQ"},
			{"--backend=" + backend, 1, "nothing was removed"},
			{"--http-bind-address=:10292", 1, "nothing was removed"},
			{"--backend=" + others[backend], 0, "no "},
			{"--masq-chain=OTHER", 0, map[bool]string{true: "manages this table", false: "no table"}[backend == "nftables"]},
			{"--masq-chain=OTHER --dry-run", 0, map[bool]string{true: "manages this table", false: "no table"}[backend == "nftables"]},
			{"--dry-run", 1, "would remove"},
			{"--dry-run", 1, "the agent that answers at 127.0.0.1:10292 on this node manages chain IP-MASQ"},
			{"--dry-run -o json", 1, `"input"`},
			{"--http-bind-address=127.0.0.1:1", 0, "removed"},
		}
		for _, tt := range tests {
			r := podSubcommand(t, append([]string{"cleanup"}, strings.Fields(tt.args)...)...)
			if r.status != tt.status || !strings.Contains(r.stdout+r.stderr, tt.want) {
				t.Errorf("cleanup %s: status %d, want %d and %q: %s%s", tt.args, r.status, tt.status, tt.want, r.stdout, r.stderr)
			}
		}
	})
}

// TestCleanupStayFollowsTheNode runs the pod of the cleanup manifest beside an
// agent, deletes the agent, and lets rules return. The pod must become ready by
// itself each time.
func TestCleanupStayFollowsTheNode(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string, agent *program.Process) {
		probe := func() string {
			if r := podSubcommand(t, "cleanup", "--dry-run"); r.status != 0 {
				return r.stdout + r.stderr
			}
			return ""
		}
		p := program.Start(t, inPod("cleanup", "--stay"))
		p.WaitLog("nothing was removed", "checking again every 5s")
		if probe() == "" {
			t.Error("the pod is ready beside a running agent")
		}
		if n := agent.Log.Count("epaired"); n > 0 {
			t.Errorf("the rules of the running agent were removed")
		}
		agent.Stop(syscall.SIGTERM)
		program.Eventually(t, probe)
		p.WaitLog(backend, "IPv4", "removed")
		if n := p.Log.Count("nothing was removed"); n != 1 {
			t.Errorf("the refusal was logged %d times", n)
		}

		// This agent has no server, so that cleanup does not find it. Cleanup is
		// stopped meanwhile: it would fail if the agent wrote at the same time.
		p.SkipLog()
		send(t, p, syscall.SIGSTOP)
		late := program.Start(t, program.Command(nil, "--backend="+backend, "--config=/none", "--enable-ipv6=false", "--http-bind-address="))
		late.WaitLog("Synced")
		late.Stop(syscall.SIGTERM)
		send(t, p, syscall.SIGCONT)
		program.Eventually(t, probe)
		p.WaitLog(backend, "IPv4", "removed")
		if n := p.Log.Count("no table") + p.Log.Count("no chain"); n > 5 {
			t.Errorf("what was not found was logged again: %d lines", n)
		}
		p.Stop(syscall.SIGTERM)
	})
}

// TestCleanupStayStopsBesideAnAgent checks that the exit status says that the rules
// are still there.
func TestCleanupStayStopsBesideAnAgent(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		netns.Require(t, "nft")
		program.Start(t, program.Command(nil, "--backend=nftables", "--config=/none", "--enable-ipv6=false")).WaitLog("Synced")
		p := program.Start(t, inPod("cleanup", "--stay"))
		p.WaitLog("nothing was removed")
		send(t, p, syscall.SIGTERM)
		if status := p.Exit(); status != 1 {
			t.Errorf("status %d, want 1", status)
		}
	})
}

// send sends a signal to a process.
func send(t testing.TB, p *program.Process, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(p.PID(), s); err != nil {
		t.Fatal(err)
	}
}
