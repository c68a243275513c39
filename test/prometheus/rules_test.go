// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package prometheus_test

import (
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"
)

const manifests = "../../manifests/monitoring"

// ruleFile is a rule file of Prometheus, and also the spec of a PrometheusRule.
type ruleFile struct {
	Groups []struct {
		Name  string         `json:"name"`
		Rules []alertingRule `json:"rules"`
	} `json:"groups"`
}

type alertingRule struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for,omitempty"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// shippedRules returns the rules of prometheusrule.yaml, with every "for"
// replaced, because the real ones take minutes. test/manifests tests the real
// ones.
func shippedRules(t *testing.T, wait string) ruleFile {
	t.Helper()
	var manifest struct {
		APIVersion string         `json:"apiVersion"`
		Kind       string         `json:"kind"`
		Metadata   map[string]any `json:"metadata"`
		Spec       ruleFile       `json:"spec"`
	}
	read(t, filepath.Join(manifests, "prometheusrule.yaml"), &manifest)
	for _, group := range manifest.Spec.Groups {
		for i := range group.Rules {
			if group.Rules[i].For != "" {
				group.Rules[i].For = wait
			}
		}
	}
	return manifest.Spec
}

// read decodes a YAML file. A field that into does not have is an error, so
// that the test does not ignore a part of a shipped file.
func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
