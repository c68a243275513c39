// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestInvariantsHaveTheirTests: every test that docs/design.md names as the proof
// of an invariant exists.
func TestInvariantsHaveTheirTests(t *testing.T) {
	_, section, _ := strings.Cut(page(t, "docs/design.md"), "\n## Invariants\n")
	section, _, _ = strings.Cut(section, "\n## ")
	names := regexp.MustCompile("\\(`(Test[A-Za-z]+)`\\)").FindAllStringSubmatch(section, -1)
	if len(names) != 8 {
		t.Fatalf("docs/design.md names the tests of %d invariants, want 8: %q", len(names), names)
	}
	var code strings.Builder
	for _, dir := range []string{"pkg", "test"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			code.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		if !strings.Contains(code.String(), "func "+name[1]+"(t *testing.T)") {
			t.Errorf("there is no test %s", name[1])
		}
	}
}
