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

// dashboard is what the test reads of dashboard.json.
type dashboard struct {
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
	Templating struct {
		List []struct {
			Name string
			// Query is text for a data source and a structure for a query.
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

// TestEveryPanelHasData asks the query of every panel, as Grafana does with all
// nodes selected, while another program keeps flushing the chain. The flushes are
// for the panels that show repairs and how long they took.
func TestEveryPanelHasData(t *testing.T) {
	netns.Require(t, "prometheus", "iptables-nft")
	netns.Run(t, func(t *testing.T) {
		startAgent(t)
		s := startPrometheus(t, fromPodMonitor(t), shippedRules(t, "2s"))
		// A first sample of each counter, for an increase to be seen.
		s.waitFor("ip_masq_agent_repairs_total == 0")
		s.waitFor("ip_masq_agent_damped_repairs_total == 0")
		for range 8 { // the repairs after the fifth within a minute are delayed
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
		// The alert that has no "for" has fired by now.
		s.waitFor(`ALERTS{alertname="IPMasqAgentRepairsRepeating",alertstate="firing",cause="chain",family="IPv4"}`)
	})
}

// TestVariableListsTheNodes asks what Grafana asks to fill the list of nodes.
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
			// label_values(METRIC, LABEL) is Grafana's name for this question.
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
			t.Error("the dashboard has no variable that asks Prometheus")
		}
	})
}
