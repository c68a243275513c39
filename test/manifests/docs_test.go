// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package manifests

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentedKustomizations builds every kustomization in the documentation.
// There the directory ip-masq-agent is this repository. To an example that
// lists only components it adds the agent as a resource.
func TestDocumentedKustomizations(t *testing.T) {
	block := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range block.FindAllStringSubmatch(string(text), -1) {
			example := m[1]
			switch {
			case strings.HasPrefix(example, "components:"):
				example = "resources: [ip-masq-agent/manifests]\n" + example
			case !strings.Contains(example, "\nkind: Kustomization\n"):
				continue
			}
			found++
			dir := t.TempDir()
			path, err := filepath.Rel(dir, repository)
			if err != nil {
				t.Fatal(err)
			}
			example = strings.ReplaceAll(example, "ip-masq-agent/manifests", path+"/manifests")
			if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(example), 0o644); err != nil {
				t.Fatal(err)
			}
			for _, manifest := range build(t, dir) {
				decode(t, manifest)
			}
		}
	}
	if found < 4 {
		t.Errorf("found %d kustomizations, fewer than expected", found)
	}
}
