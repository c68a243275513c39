// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const page = "../../../docs/tested.md"

// TestDocumentIsCurrent: docs/tested.md has the nodes and tests of test/vm, and
// no test failed.
func TestDocumentIsCurrent(t *testing.T) {
	d, err := readDocument(page, "../nodes", "../tests")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d.String(), string(got)); diff != "" {
		t.Errorf("docs/tested.md is not what make vm writes; run: make vm ALL=1 TABLE=docs/tested.md (-want +got):\n%s", diff)
	}
	for _, r := range d.rows {
		cells := map[string]string{}
		for i, c := range columns {
			cells[c] = r[i]
		}
		if cells["failed"] != "0" || cells["passed"] == "0" {
			t.Errorf("docs/tested.md: a node did not pass its tests: %s", r)
		}
	}
}

// TestReplace writes a document, and replaces one of its rows.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	nodes := write("nodes", "# a comment\ndefault trixie full amd64\nall sid el10 amd64\n")
	plan := write("tests", "default each test/agent ^Test(A|B)$\n")
	const (
		trixie   = "| trixie | full | amd64 | 6.12.1 | 1.8.11 | 1.1.3 | all | 9 | 0 | 1 | 7 | 2026-11-25 |\n"
		sid      = "| sid | el10 | amd64 | 7.2.1 | 1.8.13 | 1.1.7 | all | 5 | 0 | 0 | 7 | 2026-11-25 |\n"
		missing  = "| trixie | full | amd64 | – | – | – | not run | – | – | – | – | – |\n"
		newer    = "| trixie | full | amd64 | 6.12.2 | 1.8.11 | 1.1.3 | all | 8 | 1 | 1 | 7 | 2026-11-26 |\n"
		notPairs = "| each pair | full | amd64 | – | – | – | not run | – | – | – | – | – |\n"
		gone     = "| buster | full | amd64 | 4.19.1 | 1.8.2 | 0.9.0 | all | 8 | 1 | 1 | 7 | 2026-11-26 |\n"
	)
	page := filepath.Join(dir, "tested.md")
	for _, tt := range []struct{ name, table, want string }{
		{"one of two", sid, missing + sid},
		{"new", sid + trixie, trixie + sid},
		{"replaced", newer, newer + sid},
		{"no longer a node", gone, newer + sid},
	} {
		if err := publish(write("table", tt.table), page, nodes, plan); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{head(columns) + tt.want + notPairs + "\n", "| default | each | test/agent | `^Test(A\\|B)$` |\n"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: the document lacks\n%s\nin\n%s", tt.name, want, text)
			}
		}
	}
}
