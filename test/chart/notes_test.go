// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package chart

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// notes returns what helm prints after an install with these values.
func notes(t *testing.T, values string) string {
	t.Helper()
	out, err := run(values, "helm", "install", "any-release", chart, "--dry-run=client", "--namespace", "default", "--values", "-")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(out, "\nNOTES:\n")
	if !found {
		t.Fatalf("no notes in:\n%s", out)
	}
	return text
}

// TestNotesNameTheObjects checks that the commands in the notes use the names
// of this release. They wait for each DaemonSet, and choose the pod of a node: the
// selector of the first DaemonSet matches the pods of all.
func TestNotesNameTheObjects(t *testing.T) {
	got := regexp.MustCompile(`(?m)^   (.*)$`).FindAllString(notes(t, "nameOverride: label\nfullnameOverride: other\nnamespaceOverride: net\npoolLabel: p\npools: [{name: a}, {name: b}]"), -1)
	want := []string{
		"   kubectl -n net rollout status daemonset/other",
		"   kubectl -n net rollout status daemonset/other-a",
		"   kubectl -n net rollout status daemonset/other-b",
		"   POD=$(kubectl -n net get pod -l k8s-app=label --field-selector spec.nodeName=NODE -o name)",
		"   kubectl -n net exec $POD -- /ip-masq-agent doctor",
		"   kubectl -n net exec $POD -- /ip-masq-agent explain --live 8.8.8.8",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

func TestNotesNameTheConfiguration(t *testing.T) {
	for values, want := range map[string]string{
		"":                                 "The defaults apply, unless there is a ConfigMap ip-masq-agent.",
		"config: {cidrLimit: 1}":           "The configuration is the ConfigMap ip-masq-agent, which this release manages.",
		"existingConfigMap: other":         "The configuration is the ConfigMap other. While there is none of this name, the defaults apply.",
		"poolLabel: p\npools: [{name: a}]": "in 2 DaemonSets: ip-masq-agent, ip-masq-agent-a.",
	} {
		if got := notes(t, values); !strings.Contains(got, want) {
			t.Errorf("%q: want %q in the notes:\n%s", values, want, got)
		}
	}
}
