// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package prometheus_test

import (
	"path/filepath"
	"testing"
)

// scrapeConfig is an element of scrape_configs in the configuration of
// Prometheus.
type scrapeConfig struct {
	JobName        string         `json:"job_name"`
	Interval       string         `json:"scrape_interval,omitempty"`
	Timeout        string         `json:"scrape_timeout,omitempty"`
	Path           string         `json:"metrics_path,omitempty"`
	Kubernetes     []any          `json:"kubernetes_sd_configs,omitempty"`
	Static         []staticConfig `json:"static_configs,omitempty"`
	RelabelConfigs []relabeling   `json:"relabel_configs,omitempty"`
}

type staticConfig struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

type relabeling struct {
	SourceLabels []string `json:"source_labels,omitempty"`
	TargetLabel  string   `json:"target_label,omitempty"`
	Action       string   `json:"action,omitempty"`
	Regex        string   `json:"regex,omitempty"`
	Replacement  string   `json:"replacement,omitempty"`
	Separator    string   `json:"separator,omitempty"`
}

// fromPodMonitor converts podmonitor.yaml to a scrape configuration as the
// Prometheus Operator does: its own relabelings first, then those of the
// manifest.
func fromPodMonitor(t *testing.T) scrapeConfig {
	t.Helper()
	var monitor struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name      string            `json:"name"`
			Namespace string            `json:"namespace"`
			Labels    map[string]string `json:"labels"`
		} `json:"metadata"`
		Spec struct {
			Selector struct {
				MatchLabels map[string]string `json:"matchLabels"`
			} `json:"selector"`
			PodMetricsEndpoints []struct {
				Port        string `json:"port"`
				Path        string `json:"path"`
				Relabelings []struct {
					SourceLabels []string `json:"sourceLabels"`
					TargetLabel  string   `json:"targetLabel"`
					Action       string   `json:"action"`
					Regex        string   `json:"regex"`
					Separator    string   `json:"separator"`
				} `json:"relabelings"`
			} `json:"podMetricsEndpoints"`
		} `json:"spec"`
	}
	read(t, filepath.Join(manifests, "podmonitor.yaml"), &monitor)
	if len(monitor.Spec.PodMetricsEndpoints) != 1 {
		t.Fatalf("the PodMonitor has %d endpoints, want 1", len(monitor.Spec.PodMetricsEndpoints))
	}
	endpoint := monitor.Spec.PodMetricsEndpoints[0]
	job := monitor.Metadata.Namespace + "/" + monitor.Metadata.Name
	from := func(label string) []string { return []string{"__meta_kubernetes_" + label} }
	config := scrapeConfig{
		JobName: "podMonitor/" + job + "/0",
		Path:    endpoint.Path,
		RelabelConfigs: []relabeling{
			{Action: "keep", SourceLabels: from("pod_label_k8s_app"), Regex: monitor.Spec.Selector.MatchLabels["k8s-app"]},
			{Action: "keep", SourceLabels: from("pod_container_port_name"), Regex: endpoint.Port},
			{SourceLabels: from("namespace"), TargetLabel: "namespace"},
			{SourceLabels: from("pod_container_name"), TargetLabel: "container"},
			{SourceLabels: from("pod_name"), TargetLabel: "pod"},
			{TargetLabel: "job", Replacement: job},
			{TargetLabel: "endpoint", Replacement: endpoint.Port},
		},
	}
	for _, r := range endpoint.Relabelings {
		config.RelabelConfigs = append(config.RelabelConfigs,
			relabeling{SourceLabels: r.SourceLabels, TargetLabel: r.TargetLabel, Action: r.Action, Regex: r.Regex, Separator: r.Separator})
	}
	return config
}

// pods returns the labels that Prometheus would discover for the agent's pod
// and for a pod of another program, both at address.
func pods(address string) []staticConfig {
	var found []staticConfig
	for _, app := range []string{"ip-masq-agent", "another-program"} {
		found = append(found, staticConfig{Targets: []string{address}, Labels: map[string]string{
			"__meta_kubernetes_namespace":               "kube-system",
			"__meta_kubernetes_pod_name":                app + "-x7k2p",
			"__meta_kubernetes_pod_node_name":           "node-1",
			"__meta_kubernetes_pod_controller_name":     app + "-of-a-pool",
			"__meta_kubernetes_pod_container_name":      app,
			"__meta_kubernetes_pod_container_port_name": "metrics",
			"__meta_kubernetes_pod_label_k8s_app":       app,
		}})
	}
	return found
}
