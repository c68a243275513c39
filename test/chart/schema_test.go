// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package chart

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
)

// TestWrongValuesAreRejected has one message for each kind of error in values
// other than config.
func TestWrongValuesAreRejected(t *testing.T) {
	for values, message := range map[string]string{
		"tolerration: []":                                                     "at '': additional properties 'tolerration' not allowed",
		"image: {tags: v1}":                                                   "at '/image': additional properties 'tags' not allowed",
		"image: {pullPolicy: always}":                                         "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'",
		"image: {digest: v1}":                                                 "at '/image/digest': 'v1' does not match pattern",
		"hostNetwork: false":                                                  "at '': additional properties 'hostNetwork' not allowed",
		"backend: nft":                                                        "at '/backend': value must be one of 'auto', 'iptables-nft', 'iptables-legacy', 'nftables'",
		"enableIPv6: \"true\"":                                                "at '/enableIPv6': value must be one of false, true, 'auto'",
		"masqChain: IP MASQ":                                                  "at '/masqChain': 'IP MASQ' does not match pattern",
		"masqChain: a2345678901234567890123456789":                            "at '/masqChain': 'a2345678901234567890123456789' does not match pattern",
		"toPorts: 1024:2048":                                                  "at '/toPorts': '1024:2048' does not match pattern",
		"logLevel: \"4\"":                                                     "at '/logLevel': got string, want integer",
		"args: [v=4]":                                                         "at '/args/0': 'v=4' does not match pattern",
		"metrics: {port: 0}":                                                  "at '/metrics/port': minimum: got 0, want 1",
		"metrics: {nodeIp: true}":                                             "at '/metrics': additional properties 'nodeIp' not allowed",
		"podMonitor: {enabled: true}":                                         "podMonitor.enabled: Prometheus cannot reach 127.0.0.1 of a node: set metrics.nodeIP to true",
		"podLabels: {k8s-app: other}":                                         "podLabels: the label k8s-app selects the pods: remove it",
		"podAnnotations: {number: 1}":                                         "at '/podAnnotations/number': got number, want string",
		"tolerations: [{operater: Exists}]":                                   "at '/tolerations/0': additional properties 'operater' not allowed",
		"affinity: {nodeAffinty: {}}":                                         "at '/affinity': additional properties 'nodeAffinty' not allowed",
		"resources: {limit: {}}":                                              "at '/resources': additional properties 'limit' not allowed",
		"updateStrategy: {type: Recreate}":                                    "at '/updateStrategy/type': value must be one of 'RollingUpdate', 'OnDelete'",
		"updateStrategy: {rollingUpdate: {maxSurge: 1}}":                      "at '/updateStrategy/rollingUpdate': additional properties 'maxSurge' not allowed",
		"extraConfigMaps: [team]":                                             "at '/extraConfigMaps/0': got string, want object",
		"extraConfigMaps: [{key: config}]":                                    "at '/extraConfigMaps/0': missing property 'name'",
		"extraConfigMaps: [{name: a}, {name: a}]":                             "extraConfigMaps: a, key config, is listed twice: remove one of them",
		"existingConfigMap: a\nconfig: {cidrLimit: 1}":                        "config and existingConfigMap are both set: remove one of them",
		"pools: [{name: a}]":                                                  "pools: set poolLabel to the label of nodes that says which pool a node is in",
		"poolLabel: pool\npools: [{nam: a}]":                                  "at '/pools/0': missing property 'name'",
		"poolLabel: pool\npools: [{name: A}]":                                 "at '/pools/0/name': 'A' does not match pattern",
		"poolLabel: pool\npools: [{name: a, image: {}}]":                      "at '/pools/0': additional properties 'image' not allowed",
		"poolLabel: pool\npools: [{name: a}, {name: a}]":                      `pools: two pools have the name "a": give each its own`,
		"poolLabel: pool\npools: [{name: a, backend: x}]":                     "at '/pools/0/backend': value must be one of 'auto', 'iptables-nft', 'iptables-legacy', 'nftables'",
		"poolLabel: pool\npools: [{name: a, labelValues: []}]":                "at '/pools/0/labelValues': minItems: got 0, want 1",
		"poolLabel: pool\npools: [{name: a}, {name: b, labelValues: [b, a]}]": `pools: the pools "a" and "b" both have the nodes "a": give each its own labelValues`,
		"poolLabel: pool\npools: [{name: a, config: {cidrLimt: 1}}]":          "at '/pools/0/config': additional properties 'cidrLimt' not allowed",
		"poolLabel: pool\npools: [{name: a, existingConfigMap: b, config: {cidrLimit: 1}}]":                                  "pool a: config and existingConfigMap are both set: remove one of them",
		"poolLabel: pool\npools: [{name: a, config: {masqueradeCIDRs: [fd00::/8]}}]":                                         `pool a: config.masqueradeCIDRs: "fd00::/8" is an IPv6 CIDR: set enableIPv6 to true or auto, or remove the entry`,
		"poolLabel: pool\nenableIPv6: true\nconfig: {nonMasqueradeCIDRs: [fd00::/8]}\npools: [{name: a, enableIPv6: false}]": `pool a: config.nonMasqueradeCIDRs: "fd00::/8" is an IPv6 CIDR`,
	} {
		rejects(t, values, message)
	}
}

// TestValuesOfAParentChart checks the values that the chart gets as a part of
// another chart: they include those for all charts.
func TestValuesOfAParentChart(t *testing.T) {
	release(t, "global: {anything: true}")
}

// TestSchemaDescribesEachValue checks that each value has a description.
// Editors and Artifact Hub show it.
func TestSchemaDescribesEachValue(t *testing.T) {
	s := schema(t)
	for name, value := range s.Properties {
		if value.Description == "" && value.Ref == "" {
			t.Errorf("%s has no description", name)
		}
	}
	for name, value := range s.Definitions {
		if value.Description == "" {
			t.Errorf("%s has no description", name)
		}
	}
}

// TestNullIsEmpty checks that a key without a value, such as "podLabels:" above
// a comment, counts as empty, or is rejected if an empty value has no meaning.
func TestNullIsEmpty(t *testing.T) {
	const set = "DaemonSet/ip-masq-agent"
	for _, name := range sortedKeys(valuesYAML(t)) {
		out, err := render(name + ": null")
		if err != nil {
			if !strings.Contains(err.Error(), "at '': missing property '"+name+"'") {
				t.Errorf("%s: null: %v", name, err)
			}
			continue
		}
		got := decode(t, out)
		if len(got) != 1 {
			t.Errorf("%s: null renders %v", name, got.keys())
		}
		args := get[*appsv1.DaemonSet](t, got, set).Spec.Template.Spec.Containers[0].Args
		if diff := cmp.Diff([]string{"--masq-chain=IP-MASQ"}, args); diff != "" {
			t.Errorf("%s: null changes the flags (-want +got):\n%s", name, diff)
		}
	}
}
