// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package manifests

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
)

// runbooks is the beginning of every runbook_url. The release replaces the part
// before docs, see test/release.
const runbooks = "https://git.example/ip-masq-agent/blob/main/docs/runbooks.md#"

// TestEveryAlertHasARunbook compares the alerts with the sections of the
// runbooks. GitHub's anchor for a heading without spaces is the heading in
// lower case.
func TestEveryAlertHasARunbook(t *testing.T) {
	text, err := os.ReadFile("../../docs/runbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		name, body, _ := strings.Cut(section, "\n")
		sections[runbooks+strings.ToLower(name)] = body
	}

	var alerts, linked []string
	rule := as[*monitoringv1.PrometheusRule](t, readFile(t, "monitoring/prometheusrule.yaml"))
	for _, group := range rule.Spec.Groups {
		for _, r := range group.Rules {
			url := r.Annotations["runbook_url"]
			alerts, linked = append(alerts, runbooks+strings.ToLower(r.Alert)), append(linked, url)
			body, ok := sections[url]
			if !ok {
				t.Errorf("%s: docs/runbooks.md has no section for %q", r.Alert, url)
			}
			for _, part := range []string{"**What it means.**", "**How to see it.**", "**What to do.**"} {
				if !strings.Contains(body, part) {
					t.Errorf("%s: the section of docs/runbooks.md has no %s", r.Alert, part)
				}
			}
			delete(sections, url)
		}
	}
	if diff := cmp.Diff(alerts, linked); diff != "" {
		t.Errorf("runbook_url of the alerts (-want +got):\n%s", diff)
	}
	for url := range sections {
		t.Errorf("docs/runbooks.md has a section for no alert: %s", url)
	}
}

// TestRunbooksNameWhatIsExported checks that the metrics in the runbooks exist.
func TestRunbooksNameWhatIsExported(t *testing.T) {
	text, err := os.ReadFile("../../docs/runbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	names, _ := exported(t)
	known := strings.Join(names, "\n") + "\n"
	for _, name := range regexp.MustCompile(`ip_masq_agent_\w+`).FindAllString(string(text), -1) {
		if !strings.Contains(known, name+"\n") {
			t.Errorf("docs/runbooks.md names the metric %s, which does not exist", name)
		}
	}
}
