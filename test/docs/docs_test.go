// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package docs_test checks that the documentation is complete and consistent with
// the code: flags, keys, metrics, invariants and links. A flag, key or metric is
// documented by a table row whose first cell has its name in backquotes.
package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// pages returns the names of all documentation pages, relative to root.
func pages(t *testing.T) []string {
	t.Helper()
	names := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "charts/ip-masq-agent/README.md"}
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range docs {
		names = append(names, filepath.Join("docs", filepath.Base(path)))
	}
	return names
}

// page returns the text of the page name, relative to root.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rows returns the table rows of a page whose first cell has a matching name in
// backquotes. The key is that name, the value the other cells.
func rows(t *testing.T, file string, name *regexp.Regexp) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for line := range strings.Lines(page(t, file)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "|") || len(cells) < 2 {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		for _, quoted := range regexp.MustCompile("`[^`]+`").FindAllString(cells[0], -1) {
			if n := strings.Trim(quoted, "`"); name.MatchString(n) {
				found[n] = cells[1:]
			}
		}
	}
	return found
}
