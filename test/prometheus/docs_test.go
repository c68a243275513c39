// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package prometheus_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"ip-masq-agent/test/netns"
)

// documented returns the scrape configuration in docs/monitoring.md.
func documented(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "```yaml\nscrape_configs:\n")
	if !found {
		t.Fatal("docs/monitoring.md has no scrape_configs")
	}
	block, _, _ := strings.Cut(after, "```")
	return []byte("scrape_configs:\n" + block)
}

// TestDocumentedConfigScrapes checks that the documented configuration scrapes
// only the agent's pod and adds the name of the node. Debian's Prometheus has
// no discovery of pods, so the test compares that part of the configuration and
// lists the pods itself.
func TestDocumentedConfigScrapes(t *testing.T) {
	netns.Require(t, "prometheus")
	netns.Run(t, func(t *testing.T) {
		var config struct {
			ScrapeConfigs []scrapeConfig `json:"scrape_configs"`
		}
		if err := yaml.UnmarshalStrict(documented(t), &config); err != nil {
			t.Fatal(err)
		}
		discovery := []any{map[string]any{"role": "pod", "namespaces": map[string]any{"names": []any{"kube-system"}}}}
		if diff := cmp.Diff(discovery, config.ScrapeConfigs[0].Kubernetes); diff != "" {
			t.Errorf("kubernetes_sd_configs (-want +got):\n%s", diff)
		}
		startAgent(t)
		s := startPrometheus(t, config.ScrapeConfigs[0], shippedRules(t, "2s"))
		s.targetsAre(map[string]string{"instance": "node-1", "job": "ip-masq-agent"})
		s.waitFor("ip_masq_agent_config_valid == 1")
	})
}
