// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package prometheus_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

const (
	good = "nonMasqueradeCIDRs: [10.0.0.0/8]\nresyncInterval: 200ms\n"
	bad  = "nonMasqueradeCIDRs: [10.0.0.1]\n"
)

// startAgent runs the agent until the end of the test. edit replaces the
// agent's file.
func startAgent(t *testing.T) (edit func(config string)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	edit = func(config string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	edit(good)
	program.Start(t, program.Command(nil, "--config="+file, "--backend=iptables-nft", "--http-bind-address="+agentAddress))
	return edit
}

// activeAlerts returns the state and the labels of the alerts that are pending
// or firing, by name.
func (s *server) activeAlerts() (map[string]alert, error) {
	var data struct {
		Alerts []struct {
			State  string
			Labels map[string]string
		}
	}
	if err := s.get("alerts", nil, &data); err != nil {
		return nil, err
	}
	active := map[string]alert{}
	for _, a := range data.Alerts {
		name := a.Labels["alertname"]
		delete(a.Labels, "alertname")
		active[name] = alert{a.State, a.Labels}
	}
	return active, nil
}

type alert struct {
	State  string
	Labels map[string]string
}

// alertsAre waits until exactly these alerts are active.
func (s *server) alertsAre(want map[string]alert) {
	s.t.Helper()
	program.Eventually(s.t, func() string {
		got, err := s.activeAlerts()
		if err != nil {
			return err.Error()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return "active alerts (-want +got):\n" + diff
		}
		return ""
	})
}

// TestConfigRefusedFires writes an invalid file for a running agent, and then a
// valid one. The rules are the shipped ones, with a "for" of two seconds.
func TestConfigRefusedFires(t *testing.T) {
	netns.Require(t, "prometheus")
	netns.Run(t, func(t *testing.T) {
		const name = "IPMasqAgentConfigRefused"
		edit := startAgent(t)
		s := startPrometheus(t, fromPodMonitor(t), shippedRules(t, "2s"))
		s.waitFor("ip_masq_agent_config_valid == 1")
		s.waitFor("ip_masq_agent_last_success_timestamp_seconds > 0")
		s.alertsAre(map[string]alert{})

		edit(bad)
		s.alertsAre(map[string]alert{name: {"firing", map[string]string{
			"instance": "node-1", "job": "kube-system/ip-masq-agent-of-a-pool", "namespace": "kube-system", "severity": "warning",
		}}})
		// Use the recorded history. On a busy machine a query for the current
		// state could come too late.
		s.waitFor(`count_over_time(ALERTS{alertname="` + name + `",alertstate="pending"}[5m]) > 0`)

		edit(good)
		s.alertsAre(map[string]alert{})
	})
}

// TestPodMonitorTargets checks that Prometheus scrapes only the agent's pods
// and adds the name of the node.
func TestPodMonitorTargets(t *testing.T) {
	netns.Require(t, "prometheus")
	netns.Run(t, func(t *testing.T) {
		startAgent(t)
		s := startPrometheus(t, fromPodMonitor(t), ruleFile{})
		s.targetsAre(map[string]string{"instance": "node-1", "job": "kube-system/ip-masq-agent-of-a-pool", "namespace": "kube-system"})
	})
}

// targetsAre waits until exactly these targets are up.
func (s *server) targetsAre(want ...map[string]string) {
	s.t.Helper()
	program.Eventually(s.t, func() string {
		got, err := s.targets()
		if err != nil {
			return err.Error()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return "targets (-want +got):\n" + diff
		}
		return ""
	})
}
