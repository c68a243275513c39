// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package docs_test

import (
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPictures: each SVG file of docs/ is well-formed, has a title and a description
// for readers who do not see it, and colors for a dark background. A page shows it.
func TestPictures(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.svg"))
	if err != nil || len(files) == 0 {
		t.Fatalf("pictures in docs: %q, %v", files, err)
	}
	var shown strings.Builder
	for _, name := range pages(t) {
		shown.WriteString(page(t, name))
	}
	for _, path := range files {
		name := filepath.Join("docs", filepath.Base(path))
		text := page(t, name)
		var elements []string
		for d := xml.NewDecoder(strings.NewReader(text)); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if e, ok := token.(xml.StartElement); ok {
				elements = append(elements, e.Name.Local)
			}
		}
		for _, want := range []string{"svg", "title", "desc"} {
			if !slices.Contains(elements, want) {
				t.Errorf("%s has no element %s", name, want)
			}
		}
		if !strings.Contains(text, "prefers-color-scheme: dark") {
			t.Errorf("%s has no colors for a dark background", name)
		}
		if !strings.Contains(shown.String(), "("+filepath.Base(path)+")") {
			t.Errorf("no page in docs shows %s", name)
		}
	}
}
