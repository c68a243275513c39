// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestPaths: files and folders of the repository that the documentation names exist.
func TestPaths(t *testing.T) {
	url := regexp.MustCompile(`https?://\S+`)
	path := regexp.MustCompile(`\b(?:cmd|pkg|manifests|charts|test|tools)/[\w./-]*\w`)
	found := 0
	for _, name := range pages(t) {
		if name == "CHANGELOG.md" { // names files that no longer exist
			continue
		}
		for _, m := range path.FindAllString(url.ReplaceAllString(page(t, name), ""), -1) {
			found++
			if _, err := os.Stat(filepath.Join(root, m)); err != nil {
				t.Errorf("%s names %s: %v", name, m, err)
			}
		}
	}
	if found < 40 {
		t.Errorf("found %d paths", found)
	}
}
