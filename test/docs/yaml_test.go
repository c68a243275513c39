// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package docs_test

import (
	"regexp"
	"testing"

	"ip-masq-agent/pkg/config"
)

// TestConfigurationExamples: every configuration that the documentation shows is
// valid, without a warning.
func TestConfigurationExamples(t *testing.T) {
	block := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	examples := 0
	for _, name := range pages(t) {
		for _, m := range block.FindAllStringSubmatch(page(t, name), -1) {
			if !config.Recognizes([]byte(m[1])) {
				continue
			}
			examples++
			_, _, warnings, err := config.Files{{Name: name, Data: []byte(m[1])}}.Parse(config.Options{IPv6: true})
			if err != nil || len(warnings) > 0 {
				t.Errorf("%v, warnings %v in:\n%s", err, warnings, m[1])
			}
		}
	}
	if examples < 3 {
		t.Errorf("found %d examples", examples)
	}
}
