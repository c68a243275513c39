// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package manifests

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

// promtool runs promtool in a directory with the files of testdata and with the
// rules of the PrometheusRule as alerts.yaml.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		const why = "this test needs promtool: install the package prometheus"
		if os.Getenv("IP_MASQ_AGENT_TEST_REQUIRE_ROOT") == "1" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	rule := as[*monitoringv1.PrometheusRule](t, readFile(t, "monitoring/prometheusrule.yaml"))
	rules, err := yaml.Marshal(rule.Spec)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "alerts.yaml"), rules, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("promtool", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

func TestPromtoolChecksTheAlerts(t *testing.T) {
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", "alerts.yaml")
}

// TestAlertsFire runs the scenarios of testdata/alerts_test.yaml, one for each
// alert.
func TestAlertsFire(t *testing.T) {
	promtool(t, "test", "rules", "alerts_test.yaml")
}
