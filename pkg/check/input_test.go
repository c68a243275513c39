// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPath(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.Mkdir(filepath.Join(dir, "merged"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("merged/a", "nonMasqueradeCIDRs: [10.0.0.0/8]")
	write("merged/b", typo)
	if err := os.Mkdir(filepath.Join(dir, "links"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"links/.hidden", "links/team"} {
		if err := os.Symlink("nothing", filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	empty, other, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	pipe := fmt.Sprintf("/proc/self/fd/%d", empty.Fd())
	tests := []struct {
		name, path, stdin string
		want              string // DIR is the directory of the files
	}{
		{"a file", write("valid", "masqLinkLocal: true"), "", "DIR/valid: valid"},
		{"an invalid file", write("invalid", typo), "", "DIR/invalid: invalid: 1 problem; a running agent keeps its last valid configuration"},
		{"a directory", filepath.Join(dir, "merged"), "", "DIR/merged: invalid: 1 problem; a running agent keeps its last valid configuration"},
		{"a directory with a link to nothing", filepath.Join(dir, "links"), "", "DIR/links: valid, with 1 warning"},
		{"the standard input", "-", "masqLinkLocal: true", "(stdin): valid"},
		{"nothing from the standard input", "-", "", "(stdin): valid, with 1 warning"},
		{"nothing from a pipe", pipe, "", pipe + ": valid, with 1 warning"},
		{"a comment from the standard input", "-", "# none", "(stdin): valid"},
		{"an empty file", write("empty", ""), "", "DIR/empty: valid"},
		{"more than 16 MiB", "-", strings.Repeat("#", 16<<20+1), "(stdin): not checked"},
		{"no such file", filepath.Join(dir, "none"), "", "DIR/none: not checked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if err := Write(&b, Path(tt.path, strings.NewReader(tt.stdin), Options{})); err != nil {
				t.Fatal(err)
			}
			var got string
			for line := range strings.Lines(b.String()) {
				if strings.Contains(line, "valid") || strings.Contains(line, ": not checked") {
					got = strings.ReplaceAll(strings.TrimSpace(line), dir, "DIR")
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s\nin\n%s", diff, b.String())
			}
		})
	}
}
