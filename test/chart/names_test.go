// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package chart

import (
	"fmt"
	"strings"
	"testing"
)

// TestNamesOfOtherObjectsAreRejected checks that no ConfigMap of a pool or of
// the user has the name of another object of the chart. Helm deletes the objects
// of the check by name.
func TestNamesOfOtherObjectsAreRejected(t *testing.T) {
	const pools = "poolLabel: pool\npools: [{name: a}]\n"
	const existing = "existingConfigMap: the chart itself manages the ConfigMap "
	const extra = "extraConfigMaps: the chart itself manages the ConfigMap "
	for values, message := range map[string]string{
		"poolLabel: pool\npools: [{name: check, config: {cidrLimit: 1}}]":                                                   `pools: the pool name "check" is reserved: the chart uses the name ip-masq-agent-check for other objects`,
		"poolLabel: pool\npools: [{name: dashboard}]\ndashboard: {enabled: true}":                                           `pools: the pool name "dashboard" is reserved`,
		"poolLabel: pool\npools: [{name: a}, {name: a-check}]":                                                              `pools: the pool name "a-check" is reserved`,
		"extraConfigMaps: [{name: ip-masq-agent-check}]":                                                                    extra + "ip-masq-agent-check: give yours another name",
		"extraConfigMaps: [{name: ip-masq-agent-dashboard}]":                                                                extra + "ip-masq-agent-dashboard",
		"extraConfigMaps: [{name: ip-masq-agent}]\nconfig: {cidrLimit: 1}":                                                  extra + "ip-masq-agent:",
		"extraConfigMaps: [{name: x-check}]\nfullnameOverride: x":                                                           extra + "x-check",
		"existingConfigMap: ip-masq-agent-check":                                                                            existing + "ip-masq-agent-check: give yours another name",
		pools + "existingConfigMap: ip-masq-agent-a-check":                                                                  existing + "ip-masq-agent-a-check",
		pools + "extraConfigMaps: [{name: ip-masq-agent-a-check}]":                                                          extra + "ip-masq-agent-a-check",
		"poolLabel: pool\npools: [{name: a, existingConfigMap: ip-masq-agent-check}]":                                       "pool a: " + existing + "ip-masq-agent-check",
		"poolLabel: pool\npools: [{name: a, extraConfigMaps: [{name: ip-masq-agent-a-check}]}]":                             "pool a: " + extra + "ip-masq-agent-a-check",
		"poolLabel: pool\npools: [{name: a, config: {cidrLimit: 1}}, {name: b, existingConfigMap: ip-masq-agent-a}]":        "pool b: " + existing + "ip-masq-agent-a:",
		"poolLabel: pool\nconfig: {cidrLimit: 1}\npools: [{name: a, config: {}, extraConfigMaps: [{name: ip-masq-agent}]}]": "pool a: " + extra + "ip-masq-agent:",
	} {
		rejects(t, values, message)
	}
}

// TestNamesOfTheUser checks that ConfigMaps of the user may have names that the
// chart does not use with these values.
func TestNamesOfTheUser(t *testing.T) {
	for _, values := range []string{
		"existingConfigMap: ip-masq-agent",
		"existingConfigMap: other\nextraConfigMaps: [{name: ip-masq-agent}]",
		"config: {cidrLimit: 1}\nextraConfigMaps: [{name: ip-masq-agent-team-check}]",
		"poolLabel: pool\npools: [{name: checks, existingConfigMap: ip-masq-agent-checks}]",
	} {
		release(t, values)
	}
}

// TestFileNamesAreNotTooLong checks the maximum length of a file name, NAME_MAX.
func TestFileNamesAreNotTooLong(t *testing.T) {
	values := func(name, key int) string {
		return fmt.Sprintf("extraConfigMaps: [{name: %s, key: %s}]", strings.Repeat("n", name), strings.Repeat("k", key))
	}
	release(t, values(253, 1))
	rejects(t, values(253, 2), "has 256 characters, but 255 is the maximum: shorten the ConfigMap's name or key")
	rejects(t, "poolLabel: pool\npools: [{name: a, "+values(9, 253)+"}]", "pool a: extraConfigMaps: the file name nnnnnnnnn.kkk")
}
