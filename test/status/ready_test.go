// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
	"ip-masq-agent/test/rules"
)

const (
	good    = "nonMasqueradeCIDRs: [10.0.0.0/8]\n"
	other   = "nonMasqueradeCIDRs: [10.0.0.0/8, 192.168.0.0/16]\n"
	invalid = "nonMasqueradeCIDRs:\n- 10.0.0.1\nresyscInterval: 60s\n"
)

// checkHealthy checks that the agent is healthy, whatever the state of the rules.
func (n *node) checkHealthy() {
	n.t.Helper()
	if r := n.mustGet("/healthz"); r != (reply{200, "ok\n"}) {
		n.t.Errorf("/healthz: %d %s, want 200 ok: a restart would not help", r.Code, r.Body)
	}
}

// oneLine checks that the reason is one line, as kubectl describe shows it.
func oneLine(t testing.TB, body string) {
	t.Helper()
	if strings.Count(body, "\n") != 1 || !strings.HasSuffix(body, "\n") {
		t.Errorf("the reason is not one line: %q", body)
	}
}

// TestReadyFollowsTheFile checks that /readyz reports an invalid file and its
// errors.
func TestReadyFollowsTheFile(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		n := newNode(t, good)
		n.start()
		n.waitFor("/readyz", 200, "ok")
		n.checkHealthy()

		n.write(invalid)
		reason := n.waitFor("/readyz", 503,
			"invalid configuration: ", n.file+":2: ", `"10.0.0.1"`, "10.0.0.1/32", n.file+":3: ", "did you mean resyncInterval?")
		oneLine(t, reason)
		n.checkHealthy()
		n.waitFor("/metrics", 200, "\nip_masq_agent_config_valid 0\n")

		n.write(other)
		n.waitFor("/readyz", 200, "ok")
		n.waitFor("/metrics", 200, "\nip_masq_agent_config_valid 1\n", "\nip_masq_agent_rules{family=\"IPv4\"} 4\n")
		n.checkHealthy()
	})
}

// TestInvalidFileAtTheStart starts an agent with an invalid file, as a rolling
// update does. The update must stop there.
func TestInvalidFileAtTheStart(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		n := newNode(t, invalid)
		n.start()
		oneLine(t, n.waitFor("/readyz", 503, "invalid configuration: "))
		n.waitFor("/metrics", 200, `ip_masq_agent_config_info{family="IPv4",hash="",source="default"} 1`)
		n.checkHealthy()
	})
}

// TestNotReadyWhileWritesFail checks that /readyz reports a family whose writes
// fail, and no other.
func TestNotReadyWhileWritesFail(t *testing.T) {
	netns.FullMatrix(t, func(t *testing.T, backend, family string) {
		n := newNode(t, good)
		args := []string{"--backend=" + backend}
		healthy, edit := "IPv6", other
		if family == "IPv6" {
			args, healthy, edit = append(args, "--enable-ipv6"), "IPv4", "nonMasqueradeCIDRs: [10.0.0.0/8, 'fd00::/8']\n"
		}
		fail, texts := n.fail, []string{"exit status 4", "holding the xtables lock.", netns.Command(backend, family)}
		if backend == netns.NFTables {
			fail, texts = func() func() { return rules.BlockWrites(t, family) }, []string{"ip-masq-agent", "operation not permitted"}
		} else {
			n.breakable(netns.Command(backend, family), netns.Command(backend, family, "restore"), netns.Command(backend, family, "save"))
		}
		n.start(args...)
		n.waitFor("/readyz", 200, "ok")

		repair := fail()
		n.write(edit) // so that the agent has to write in that family
		oneLine(t, n.waitFor("/readyz", 503, append(texts, family+": ")...))
		program.Eventually(n.t, func() string { // the other family may not be synced yet
			if r := n.mustGet("/readyz"); r.Code != 503 || strings.Contains(r.Body, healthy+": ") {
				return "the other family is reported too: " + r.Body
			}
			return ""
		})
		n.checkHealthy()
		n.waitFor("/metrics", 200, `ip_masq_agent_syncs_total{family="`+family+`",result="error"} `)
		if body := n.mustGet("/metrics").Body; strings.Contains(body, `{family="`+family+`",result="error"} 0`) {
			t.Errorf("the failure was not counted:\n%s", body)
		}

		repair()
		n.waitFor("/readyz", 200, "ok")
	})
}

// TestHungDetectionIsReported makes a command hang that the choice of the
// backend needs. The agent must answer probes, be healthy, because a restart
// would not help, and report what it waits for. It starts to sync when the
// command ends.
func TestHungDetectionIsReported(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		n := newNode(t, good)
		held := filepath.Join(n.bin, "hung")
		script := fmt.Sprintf("#!/bin/sh\n[ ! -e %s ] || exec sleep 300\nexec %s \"$@\"\n", held, must(exec.LookPath("iptables-nft")))
		for name, body := range map[string]string{"iptables-nft": script, "hung": ""} {
			if err := os.WriteFile(filepath.Join(n.bin, name), []byte(body), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		n.breakable("iptables-nft-restore") // the choice of the backend also looks for this command
		n.start("--backend=auto")
		n.waitFor("/healthz", 200, "ok")
		oneLine(t, n.waitFor("/readyz", 503, "the backend is not chosen yet"))
		oneLine(t, n.waitFor("/readyz", 503, "choosing the backend: ", "iptables-nft --version", "hangs"))
		n.agent.WaitLog("Failed to choose the backend, will retry")
		n.waitFor("/healthz", 200, "ok")
		if err := os.Remove(held); err != nil {
			t.Fatal(err)
		}
		n.waitFor("/readyz", 200, "ok")
	})
}

func must(path string, err error) string {
	if err != nil {
		panic(err)
	}
	return path
}
