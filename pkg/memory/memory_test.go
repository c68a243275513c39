// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package memory

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// TestReleaseProgramPages releases the pages of the test's own code. The kernel maps
// them again when the code runs.
func TestReleaseProgramPages(t *testing.T) {
	mapped := func() int { // kB of pages that belong to files
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(status), "RssFile:")
		kB, err := strconv.Atoi(strings.Fields(after)[0])
		if err != nil {
			t.Fatal(err)
		}
		return kB
	}
	before := mapped()
	if err := ReleaseProgramPages(); err != nil {
		t.Fatal(err)
	}
	if after := mapped(); after >= before {
		t.Errorf("%d kB of files were mapped before, %d kB after", before, after)
	}
}

// TestIsFixed builds a program in each way. Pages of the others must not be released:
// they would lose what the loader wrote.
func TestIsFixed(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	modes := map[string]bool{"exe": true}
	if runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" { // where no C compiler is needed
		modes["pie"] = false
	}
	for mode, want := range modes {
		file := filepath.Join(dir, mode)
		cmd := exec.Command("go", "build", "-buildmode="+mode, "-o", file, source)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("building with -buildmode=%s: %v: %s", mode, err, out)
		}
		if got, err := isFixed(file); got != want || err != nil {
			t.Errorf("-buildmode=%s: %v, %v, want %v", mode, got, err, want)
		}
	}
}
