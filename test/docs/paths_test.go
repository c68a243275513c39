// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestPaths: files and folders of the repository that the documentation names in
// backquotes exist.
func TestPaths(t *testing.T) {
	path := regexp.MustCompile("`((?:cmd|pkg|manifests|charts|test|docs)/[\\w./-]+)`")
	found := 0
	for _, name := range pages(t) {
		if name == "CHANGELOG.md" { // tells of files that are gone
			continue
		}
		for _, m := range path.FindAllStringSubmatch(page(t, name), -1) {
			found++
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s names %s: %v", name, m[1], err)
			}
		}
	}
	if found < 40 {
		t.Errorf("found %d paths", found)
	}
}
