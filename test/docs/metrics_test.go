// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package docs_test

import (
	"maps"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/agent"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/status"
)

// metric is a row of docs/monitoring.md: name, type and labels.
type metric struct {
	Type   string
	Labels []string
}

// TestEveryMetricIsDocumented compares docs/monitoring.md with /metrics, in both directions.
func TestEveryMetricIsDocumented(t *testing.T) {
	want := exported(t)
	got := map[string]metric{}
	for name, cells := range rows(t, "docs/monitoring.md", regexp.MustCompile(`^ip_masq_agent_`)) {
		m := metric{Type: cells[0]}
		for _, l := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(cells[1], -1) {
			m.Labels = append(m.Labels, l[1])
		}
		slices.Sort(m.Labels)
		got[name] = m
		if len(cells) < 3 || cells[2] == "" {
			t.Errorf("%s: the row does not say what it means", name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics of the agent, and of docs/monitoring.md (-want +got):\n%s", diff)
	}
}

// exported returns the metrics that an agent exports once every event has happened.
func exported(t *testing.T) map[string]metric {
	t.Helper()
	s := status.New("v1.2.3", []netfilter.Family{netfilter.IPv4})
	s.ConfigRead(agent.ConfigStatus{Source: agent.FromFile, Hash: "0123"})
	s.SetBackend(netfilter.IPv4, "nftables", "IP-MASQ")
	s.SyncStarted(netfilter.IPv4)
	s.SyncEnded(netfilter.IPv4, agent.Sync{Source: agent.FromFile, Rules: 3, Duration: 1})
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))

	all := map[string]metric{}
	current := ""
	for line := range strings.Lines(w.Body.String()) {
		if f := strings.Fields(line); f[0] == "#" {
			if f[1] == "TYPE" {
				current = f[2]
				all[current] = metric{Type: f[3]}
			}
			continue
		}
		m := all[current]
		for _, l := range regexp.MustCompile(`([a-z]+)="`).FindAllStringSubmatch(line, -1) {
			if l[1] != "le" && !slices.Contains(m.Labels, l[1]) {
				m.Labels = append(m.Labels, l[1])
			}
		}
		slices.Sort(m.Labels)
		all[current] = m
	}
	// Those of client_golang's collectors are named as a group.
	maps.DeleteFunc(all, func(name string, _ metric) bool {
		return strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_")
	})
	return all
}
