// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package migrate_test

import (
	"os"
	"regexp"
	"testing"

	"ip-masq-agent/pkg/config"
)

// TestDocumentedFiles compares the rows of docs/migrate.md that begin with a
// file with what this agent says about that file.
func TestDocumentedFiles(t *testing.T) {
	text, err := os.ReadFile("../../docs/migrate.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)`: [^|]+\\| [^|]+\\| (rejected|accepted) \\|$").FindAllStringSubmatch(string(text), -1)
	if len(rows) != 7 {
		t.Errorf("found %d files in docs/migrate.md, want 7", len(rows))
	}
	for _, row := range rows {
		file, want := row[1], row[2]
		_, _, _, err := config.Files{{Name: "config", Data: []byte(file)}}.Parse(config.Options{})
		got := "accepted"
		if err != nil {
			got = "rejected"
		}
		if got != want {
			t.Errorf("%s is %s, and docs/migrate.md says %s: %v", file, got, want, err)
		}
	}
	if _, _, _, err := (config.Files{{Name: "config", Data: []byte("masqLinkLocal: true\n---\nmasqLinkLocal: false\n")}}.Parse(config.Options{})); err == nil {
		t.Error("text after a line --- is accepted")
	}
}
