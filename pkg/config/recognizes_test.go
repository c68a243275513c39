// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config_test

import (
	"testing"

	"ip-masq-agent/pkg/config"
)

func TestRecognizes(t *testing.T) {
	for text, want := range map[string]bool{
		"resyncInterval: 60s\n":                        true,
		"RESYNCINTERVAL: 60s\n":                        true,
		"resyscInterval: 60s\n":                        true, // did you mean resyncInterval?
		"forceMasqueradeCIDRs: []\n":                   true, // another agent's
		"logLevel: 4\nresyncInterval: 60s\n":           true,
		`{"nonMasqueradeCIDRs": ["10.0.0.0\/8"]}`:      true,
		"logLevel: 4\n":                                false,
		"":                                             false,
		"# resyncInterval: 60s\n":                      false,
		"just text":                                    false,
		"- nonMasqueradeCIDRs\n- x\n":                  false,
		"nonMasqueradeCIDRs:\n\t- 10.0.0.0/8\n":        true, // does not parse
		"NONMASQUERADECIDRS:\n\t- 10.0.0.0/8\n":        true,
		"a:\n\t- resyncinterval\n":                     true,
		"server {\n\tlisten 80;\n\t}\n\t- a: [\n":      false,
		"nothing: {{ if }} of: [ this\n\t- agent: x\n": false,
	} {
		if got := config.Recognizes([]byte(text)); got != want {
			t.Errorf("Recognizes(%q) = %v", text, got)
		}
	}
}
