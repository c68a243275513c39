// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package manifests

import (
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"

	"ip-masq-agent/pkg/agent"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/status"
)

// exported returns the names of the agent's samples and of their labels,
// including the labels that Prometheus adds.
func exported(t *testing.T) (names, labels []string) {
	t.Helper()
	families := []netfilter.Family{netfilter.IPv4, netfilter.IPv6}
	s := status.New("v1.2.3", families)
	s.ConfigRead(agent.ConfigStatus{Source: agent.FromFile, Hash: "0123"})
	for _, f := range families {
		s.SetBackend(f, "nftables", "IP-MASQ")
		s.SyncStarted(f)
		s.SyncEnded(f, agent.Sync{Source: agent.FromFile, Rules: 3, Duration: 1})
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	label := regexp.MustCompile(`([a-z_]+)="`)
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, _, _ := strings.Cut(strings.Fields(line)[0], "{")
		names = append(names, name)
		for _, l := range label.FindAllStringSubmatch(line, -1) {
			labels = append(labels, l[1])
		}
	}
	return names, append(labels, "instance", "job")
}

var (
	stringLiteral = regexp.MustCompile(`"[^"]*"`)
	duration      = regexp.MustCompile(`\[[^\]]*\]`)
	matchers      = regexp.MustCompile(`\{([^}]*)\}`)
	grouping      = regexp.MustCompile(`\b(?:by|without|on|ignoring)\s*\(([^)]*)\)`)
	word          = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*(\s*\()?`)
)

// unknown returns the names in a PromQL expression that are neither metrics nor
// labels of the agent. A name before a bracket is a function or an aggregation.
func unknown(expr string, names, labels []string) []string {
	var wrong []string
	expr = duration.ReplaceAllString(stringLiteral.ReplaceAllString(expr, ""), "")
	for _, clause := range []*regexp.Regexp{matchers, grouping} {
		for _, m := range clause.FindAllStringSubmatch(expr, -1) {
			for _, l := range word.FindAllString(m[1], -1) {
				if !slices.Contains(labels, l) {
					wrong = append(wrong, "label "+l)
				}
			}
		}
		expr = clause.ReplaceAllString(expr, "()")
	}
	found := false
	for _, w := range word.FindAllString(expr, -1) {
		switch {
		case strings.HasSuffix(w, "(") && !strings.HasPrefix(w, "ip_masq"), w == "or", w == "and", w == "unless", w == "sum", w == "count", w == "max", w == "min":
		case slices.Contains(names, strings.TrimRight(w, " (")):
			found = true
		default:
			wrong = append(wrong, "metric "+w)
		}
	}
	if !found {
		wrong = append(wrong, "no metric at all")
	}
	return wrong
}

func TestUnknown(t *testing.T) {
	names, labels := exported(t)
	for expr, want := range map[string]string{
		`sum by (family, verdict) (rate(ip_masq_agent_packets_total{instance=~"$instance"}[5m]))`:                   "",
		`time() - ip_masq_agent_last_success_timestamp_seconds > 600`:                                               "",
		`histogram_quantile(0.5, sum by (le) (rate(ip_masq_agent_sync_duration_seconds_bucket[$__rate_interval])))`: "",
		`count(count by (hash) (ip_masq_agent_config_info)) or vector(0)`:                                           "",
		`rate(ip_masq_agent_packet_total[5m])`:                                                                      "metric ip_masq_agent_packet_total, no metric at all",
		`sum by (verdikt) (ip_masq_agent_packets_total)`:                                                            "label verdikt",
		`ip_masq_agent_packets_total{famly="IPv4"} > 0`:                                                             "label famly",
		`up == 0`: "metric up, no metric at all",
	} {
		if got := strings.Join(unknown(expr, names, labels), ", "); got != want {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

// TestAlertsNameWhatIsExported checks that the alerts use only metrics and
// labels that exist.
func TestAlertsNameWhatIsExported(t *testing.T) {
	names, labels := exported(t)
	rule := as[*monitoringv1.PrometheusRule](t, readFile(t, "monitoring/prometheusrule.yaml"))
	alerts := 0
	inTemplate := regexp.MustCompile(`\$labels\.(\w+)`)
	for _, g := range rule.Spec.Groups {
		for _, r := range g.Rules {
			alerts++
			for _, u := range unknown(r.Expr.String(), names, labels) {
				t.Errorf("%s: unknown %s in %s", r.Alert, u, r.Expr.String())
			}
			for _, a := range r.Annotations {
				for _, m := range inTemplate.FindAllStringSubmatch(a, -1) {
					if !slices.Contains(labels, m[1]) {
						t.Errorf("%s: unknown label %s in: %s", r.Alert, m[1], a)
					}
				}
			}
		}
	}
	if alerts < 4 {
		t.Errorf("found %d alerts, fewer than expected", alerts)
	}
}

// TestDashboardNamesWhatIsExported checks that the dashboard uses only metrics
// and labels that exist, and all metrics of the agent.
func TestDashboardNamesWhatIsExported(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			Title       string
			Description string
			Targets     []struct{ Expr string }
		}
		Templating struct {
			List []struct {
				Name  string
				Query any
			}
		}
	}
	if err := json.Unmarshal(readFile(t, "monitoring/dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	names, labels := exported(t)
	queries := 0
	shown := map[string]bool{}
	for _, p := range dashboard.Panels {
		if p.Description == "" {
			t.Errorf("the panel %q has no description", p.Title)
		}
		for _, target := range p.Targets {
			queries++
			for _, u := range unknown(target.Expr, names, labels) {
				t.Errorf("%s: unknown %s in %s", p.Title, u, target.Expr)
			}
			for _, n := range names {
				shown[n] = shown[n] || strings.Contains(target.Expr, n)
			}
		}
	}
	if queries < len(dashboard.Panels) || queries == 0 {
		t.Errorf("%d queries in %d panels, fewer than expected", queries, len(dashboard.Panels))
	}
	for _, n := range names {
		ours := strings.HasPrefix(n, "ip_masq_agent_") // the metrics of client_golang have dashboards of their own
		if ours && !shown[n] && !strings.HasSuffix(n, "_sum") && !strings.HasSuffix(n, "_count") {
			t.Errorf("no panel shows %s", n)
		}
	}
	for _, v := range dashboard.Templating.List {
		if q, ok := v.Query.(map[string]any); ok && q["query"] != "label_values(ip_masq_agent_build_info, instance)" {
			t.Errorf("the variable %s has the query %v", v.Name, q["query"])
		}
	}
}
