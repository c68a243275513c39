// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package memory

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// TestReleaseProgramPages maps all pages of the test's own code and releases them. The
// kernel maps those again that the test needs.
func TestReleaseProgramPages(t *testing.T) {
	populate(t)
	before := mapped(t)
	if err := ReleaseProgramPages(); err != nil {
		t.Fatal(err)
	}
	if after := mapped(t); after >= before {
		t.Errorf("%d kB of the program were mapped before, %d kB after", before, after)
	}
}

// eachMapping calls fn for each line of a file such as /proc/self/maps that is about a
// mapping of the program that cannot be written to. The header of the mapping is
// START-END MODE OFFSET DEVICE INODE PATH, see proc(5).
func eachMapping(t *testing.T, file string, fn func(header, line string)) {
	t.Helper()
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	header := ""
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); !strings.HasSuffix(fields[0], ":") {
			header = ""
			if strings.HasSuffix(line, " "+exe+"\n") && !strings.Contains(fields[1], "w") {
				header = line
			}
		}
		if header != "" {
			fn(header, line)
		}
	}
}

// populate maps all pages of the program. The kernel does so to read them for somebody.
func populate(t *testing.T) {
	t.Helper()
	memory, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	eachMapping(t, "/proc/self/maps", func(header, _ string) {
		var start, end int64
		if _, err := fmt.Sscanf(header, "%x-%x", &start, &end); err != nil {
			t.Fatal(err)
		}
		if _, err := memory.ReadAt(make([]byte, end-start), start); err != nil {
			t.Fatal(err)
		}
	})
}

// mapped returns the kB of the program that are mapped. Unlike /proc/self/status, whose
// counters are those of each processor, smaps is exact.
func mapped(t *testing.T) (kB int) {
	t.Helper()
	eachMapping(t, "/proc/self/smaps", func(_, line string) {
		if size, found := strings.CutPrefix(line, "Rss:"); found {
			n, err := strconv.Atoi(strings.Fields(size)[0])
			if err != nil {
				t.Fatal(err)
			}
			kB += n
		}
	})
	return kB
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
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("building with -buildmode=%s: %v: %s", mode, err, out)
		}
		if got, err := isFixed(file); got != want || err != nil {
			t.Errorf("-buildmode=%s: %v, %v, want %v", mode, got, err, want)
		}
	}
}
