// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package docs_test

import (
	"regexp"
	"testing"
)

// TestEveryTargetIsDocumented compares docs/development.md with the targets that
// bare make prints, and looks for targets that do not exist in all pages.
func TestEveryTargetIsDocumented(t *testing.T) {
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z0-9-]+):.*## `).FindAllStringSubmatch(page(t, "Makefile"), -1) {
		targets[m[1]] = true
	}
	known := rows(t, "docs/development.md", regexp.MustCompile(`^make `))
	for target := range targets {
		if target != "help" && target != "clean" && known["make "+target] == nil {
			t.Errorf("no row for make %s", target)
		}
	}
	if len(targets) < 10 {
		t.Errorf("found %d targets in the Makefile", len(targets))
	}
	for _, name := range pages(t) {
		for _, m := range regexp.MustCompile("(?:^|[`\n] *|sudo |&& )make ([a-z0-9-]+)").FindAllStringSubmatch(page(t, name), -1) {
			if !targets[m[1]] {
				t.Errorf("%s: there is no target make %s", name, m[1])
			}
		}
	}
}
