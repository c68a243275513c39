// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package prometheus_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// dashboard has the fields of dashboard.json that the test uses.
type dashboard struct {
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
	Templating struct {
		List []struct {
			Name string
			// Query is a string for a data source and an object for a query.
			Query any
		}
	}
}

func shippedDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(manifests, "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) == 0 {
		t.Fatal("the dashboard has no panels")
	}
	return d
}

// TestEveryPanelHasData runs the query of every panel as Grafana does with all
// nodes selected. Meanwhile another program flushes the chain again and again,
// for the panels that show repairs.
func TestEveryPanelHasData(t *testing.T) {
	netns.Require(t, "prometheus", "iptables-nft")
	netns.Run(t, func(t *testing.T) {
		startAgent(t)
		s := startPrometheus(t, fromPodMonitor(t), shippedRules(t, "2s"))
		// Wait for a first sample of each counter, so that increases are
		// visible.
		s.waitFor("ip_masq_agent_repairs_total == 0")
		s.waitFor("ip_masq_agent_damped_repairs_total == 0")
		for range 8 { // after the fifth repair within a minute the agent delays repairs
			program.Eventually(t, func() string {
				if len(netns.List(t, "iptables-nft", "IPv4", "IP-MASQ")) < 2 {
					return "the chain was not repaired"
				}
				return ""
			})
			netns.IPTables(t, "iptables-nft", "IPv4", "-F", "IP-MASQ")
		}

		variables := strings.NewReplacer("$instance", ".*", "$__rate_interval", "1m")
		for _, panel := range shippedDashboard(t).Panels {
			if len(panel.Targets) == 0 {
				t.Errorf("the panel %q has no query", panel.Title)
			}
			for _, target := range panel.Targets {
				s.waitFor(variables.Replace(target.Expr))
			}
		}
		// The alert without "for" has fired by now.
		s.waitFor(`ALERTS{alertname="IPMasqAgentRepairsRepeating",alertstate="firing",cause="chain",family="IPv4"}`)
	})
}

// TestVariableListsTheNodes runs the query with which Grafana fills the list of
// nodes.
func TestVariableListsTheNodes(t *testing.T) {
	netns.Require(t, "prometheus")
	netns.Run(t, func(t *testing.T) {
		startAgent(t)
		s := startPrometheus(t, fromPodMonitor(t), ruleFile{})
		found := false
		for _, variable := range shippedDashboard(t).Templating.List {
			query, ok := variable.Query.(map[string]any)
			if !ok {
				continue
			}
			found = true
			// label_values(METRIC, LABEL) is Grafana's notation for this query.
			arguments := strings.TrimSuffix(strings.TrimPrefix(query["query"].(string), "label_values("), ")")
			metric, label, _ := strings.Cut(arguments, ", ")
			s.waitFor(metric)
			var values []string
			if err := s.get("label/"+label+"/values", url.Values{"match[]": {metric}}, &values); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"node-1"}, values); diff != "" {
				t.Errorf("the variable %s (-want +got):\n%s", variable.Name, diff)
			}
		}
		if !found {
			t.Error("the dashboard has no variable with a Prometheus query")
		}
	})
}
