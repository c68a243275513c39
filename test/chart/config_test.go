// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package chart

import (
	"encoding/json"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"

	"ip-masq-agent/pkg/config"
)

// schema returns the parts of values.schema.json that the tests use.
func schema(t *testing.T) (s struct {
	Properties, Definitions map[string]struct {
		Description string
		Ref         string `json:"$ref"`
		Properties  map[string]any
		Items       struct{ Properties map[string]any }
	}
}) {
	t.Helper()
	text, err := os.ReadFile(chart + "/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// TestSchemaHasTheKeysOfTheFile compares the keys in the schema with those that
// the agent lists in the error about an unknown key.
func TestSchemaHasTheKeysOfTheFile(t *testing.T) {
	_, _, _, err := config.Files{{Name: "file", Data: []byte("xyz: 1")}}.Parse(config.Options{})
	if err == nil {
		t.Fatal("the agent accepts an unknown key")
	}
	_, list, ok := strings.Cut(err.Error(), "the keys are ")
	if !ok {
		t.Fatalf("no list of keys in: %v", err)
	}
	want := regexp.MustCompile(`\w+`).FindAllString(list, -1)
	slices.Sort(want)
	if diff := cmp.Diff(want, sortedKeys(schema(t).Definitions["config"].Properties)); diff != "" {
		t.Errorf("keys of the agent and of config in the schema (-want +got):\n%s", diff)
	}
}

// agentAccepts parses the file that the chart would render for these keys.
func agentAccepts(keys string, o config.Options) error {
	_, _, _, err := config.Files{{Name: "config", Data: []byte(keys)}}.Parse(o)
	return err
}

// TestSchemaRejectsWhatTheAgentRejects has the errors that can be found without
// a cluster.
func TestSchemaRejectsWhatTheAgentRejects(t *testing.T) {
	for keys, message := range map[string]string{
		"nonMasqeradeCIDRs: [10.0.0.0/8]":            "at '/config': additional properties 'nonMasqeradeCIDRs' not allowed",
		"nonMasqueradeCIDRs: [10.0.0.1]":             "at '/config/nonMasqueradeCIDRs/0': '10.0.0.1' does not match pattern",
		"nonMasqueradeCIDRs: [10.0.0.0/33]":          "at '/config/nonMasqueradeCIDRs/0': '10.0.0.0/33' does not match pattern",
		"nonMasqueradeCIDRs: [10.0.0.256/8]":         "at '/config/nonMasqueradeCIDRs/0': '10.0.0.256/8' does not match pattern",
		"nonMasqueradeCIDRs: [10.0.0.0/255.0.0.0]":   "at '/config/nonMasqueradeCIDRs/0': '10.0.0.0/255.0.0.0' does not match pattern",
		`masqueradeCIDRs: ["10.0.0.0/8, 1.0.0.0/8"]`: "at '/config/masqueradeCIDRs/0': '10.0.0.0/8, 1.0.0.0/8' does not match pattern",
		"nonMasqueradeCIDRs: 10.0.0.0/8":             "at '/config/nonMasqueradeCIDRs': got string, want array",
		"nonMasqueradeCIDRs: [null]":                 "at '/config/nonMasqueradeCIDRs/0': got null, want string",
		"nonMasqueradeCIDRs: [fd00::/8]":             `config.nonMasqueradeCIDRs: "fd00::/8" is an IPv6 CIDR: set enableIPv6 to true or auto, or remove the entry`,
		"masqLinkLocal: \"false\"":                   "at '/config/masqLinkLocal': got string, want boolean",
		"masqLinkLocalIPv6: 1":                       "at '/config/masqLinkLocalIPv6': got number, want boolean",
		"cidrLimit: -1":                              "at '/config/cidrLimit': minimum: got -1, want 0",
		"cidrLimit: many":                            "at '/config/cidrLimit': got string, want integer",
		"resyncInterval: 60 s":                       "at '/config/resyncInterval': '60 s' does not match pattern",
		"resyncInterval: often":                      "at '/config/resyncInterval': 'often' does not match pattern",
		"resyncInterval: 0":                          "at '/config/resyncInterval': minimum: got 0, want 0.1",
		"resyncInterval: true":                       "at '/config/resyncInterval': got boolean, want number or string",
	} {
		if agentAccepts(keys, config.Options{}) == nil {
			t.Errorf("the agent accepts %s, so the schema must too", keys)
		}
		rejects(t, "config: {"+keys+"}", message)
	}
}

// TestConfigMapIsTheConfig checks that values which the agent accepts pass the
// schema, and that the rendered ConfigMap has the same meaning.
func TestConfigMapIsTheConfig(t *testing.T) {
	for _, keys := range []string{
		"nonMasqueradeCIDRs: [198.15.5.92/24, 10.0.0.0/8]\nmasqLinkLocal: false\nresyncInterval: 60s",
		"nonMasqueradeCIDRs: []",
		"nonMasqueradeCIDRs: [0.0.0.0/0]\nmasqueradeCIDRs: [10.9.0.0/16, 255.255.255.255/32]",
		"nonMasqueradeCIDRs: [fd00::/8, \"::/0\", 2001:db8::1/128]\nmasqLinkLocalIPv6: true",
		"cidrLimit: 1000000\nmasqLinkLocal: true",
		"cidrLimit: 0\nnonMasqueradeCIDRs: []",
		"resyncInterval: 5",
		"resyncInterval: 0.5",
		"resyncInterval: \"90\"",
		"resyncInterval: 1h1m1.5s",
	} {
		values := "enableIPv6: true\nconfig:\n  " + strings.ReplaceAll(keys, "\n", "\n  ")
		all := release(t, values)
		want, _, _, err := config.Files{{Name: "file", Data: []byte(keys)}}.Parse(config.Options{IPv6: true})
		if err != nil {
			t.Errorf("%s: %v", keys, err)
			continue
		}
		for _, name := range []string{"ConfigMap/ip-masq-agent", "ConfigMap/ip-masq-agent-check"} {
			text := get[*corev1.ConfigMap](t, all, name).Data["config"]
			got, _, _, err := config.Files{{Name: name, Data: []byte(text)}}.Parse(config.Options{IPv6: true})
			if err != nil {
				t.Errorf("%s: %v", keys, err)
				continue
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
				t.Errorf("%s of %s (-want +got):\n%s", name, keys, diff)
			}
		}
	}
}
