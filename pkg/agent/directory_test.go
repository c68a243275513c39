// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// change is what happens to a file of a directory: "write" in place, "replace",
// "remove", "rmdir" of the directory, or "" for nothing.
type change struct{ do, name, content string }

func (f *follower) change(c change) {
	f.t.Helper()
	dir := f.source.path
	path := filepath.Join(dir, c.name)
	switch c.do {
	case "write":
		must(f.t, os.WriteFile(path, []byte(c.content), 0o600))
		f.writes++
		must(f.t, os.Chtimes(path, time.Time{}, time.Unix(int64(f.writes), 0)))
	case "replace":
		must(f.t, os.MkdirAll(dir, 0o700))
		must(f.t, os.WriteFile(filepath.Join(dir, ".new"), []byte(c.content), 0o600))
		must(f.t, os.Rename(filepath.Join(dir, ".new"), path))
	case "remove":
		must(f.t, os.Remove(path))
	case "rmdir":
		must(f.t, os.RemoveAll(dir))
	}
}

// TestSourceOfADirectory: the stories of TestSource for a set of files. A file
// that disappears, and a set that does, need two readings.
func TestSourceOfADirectory(t *testing.T) {
	const one, two, link = "nonMasqueradeCIDRs: [1.0.0.0/8]\n", "nonMasqueradeCIDRs: [2.0.0.0/8]\n", "masqLinkLocal: true\n"
	type step struct {
		change
		want, logs string
	}
	start := []step{{change{"replace", "a", link}, "10.0.0.0/8", `files=["a"]`}, {change{"replace", "b", one}, "1.0.0.0/8", `files=["a","b"]`}}
	tests := []struct {
		name  string
		steps []step
	}{
		{"another file comes first", []step{{change{"replace", "a0", two}, "2.0.0.0/8", `files=["a","a0","b"]`}, {change{}, "same", ""}}},
		{"replaced", []step{{change{"replace", "b", two}, "2.0.0.0/8", ""}, {change{}, "same", ""}}},
		{"truncated and rewritten", []step{{change{"write", "b", ""}, "same", ""}, {change{"write", "b", two}, "same", ""}, {change{}, "2.0.0.0/8", ""}}},
		{"truncated and rewritten as it was", []step{{change{"write", "b", ""}, "same", ""}, {change{"write", "b", one}, "same", ""}, {change{}, "same", ""}}},
		{"removed", []step{{change{"remove", "b", ""}, "same", ""}, {change{}, "10.0.0.0/8", "Warning: files of the configuration directory are gone"}, {change{}, "same", ""}}},
		{"removed and created", []step{{change{"remove", "b", ""}, "same", ""}, {change{"replace", "b", two}, "2.0.0.0/8", ""}}},
		{"emptied", []step{{change{"write", "b", ""}, "same", ""}, {change{}, "10.0.0.0/8", "Warning: files of the configuration directory are gone or empty"}}},
		{"replaced by an empty file", []step{{change{"replace", "b", "# none"}, "same", ""}, {change{}, "10.0.0.0/8", "Warning: files"}}},
		{"all removed", []step{{change{"remove", "a", ""}, "same", ""}, {change{"remove", "b", ""}, "same", ""}, {change{}, "10.0.0.0/8", "Warning: the configuration directory has no files any more"}, {change{}, "same", ""}}},
		{"the directory is removed", []step{{change{"rmdir", "", ""}, "same", ""}, {change{}, "10.0.0.0/8", "Warning: the configuration file is gone"}, {change{"replace", "a", one}, "1.0.0.0/8", ""}}},
		{"the directory is removed for a moment", []step{{change{"rmdir", "", ""}, "same", ""}, {change{"replace", "a", two}, "2.0.0.0/8", ""}}},
		{"one is invalid", []step{{change{"replace", "a", "x: 1"}, "invalid", "a:1: x: is an unknown key"}, {change{"replace", "b", two}, "invalid", "a:1: x: is an unknown key"}, {change{"replace", "a", ""}, "same", ""}, {change{}, "2.0.0.0/8", ""}}},
		{"one key in two files", []step{{change{"replace", "b", link}, "invalid", `is set in two files, here and as`}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFollower(t)
			for i, s := range append(start, tt.steps...) {
				f.change(s.change)
				found, log := f.poll()
				if found != s.want || !strings.Contains(log, s.logs) || s.want == "same" && log != "" {
					t.Errorf("step %d: found %s, want %s; logged %q, want %q", i-len(start), found, s.want, log, s.logs)
				}
			}
		})
	}
}

// TestEmptyDirectoryAtTheStart means the defaults, as a missing file does.
func TestEmptyDirectoryAtTheStart(t *testing.T) {
	f := newFollower(t)
	must(t, os.Mkdir(f.source.path, 0o700))
	w, _ := f.source.poll(f.logger)
	check(t, "status", ConfigStatus{Source: FromDefault}, w.status)
	must(t, syscall.Mkfifo(filepath.Join(f.source.path, "fifo"), 0o600))
	f.poll() // still empty: the next reading has to agree
	if found, log := f.poll(); found != "10.0.0.0/8" || !strings.Contains(log, "/fifo: is not a regular file, so it is skipped") {
		t.Errorf("with a FIFO: found %s, logged %q", found, log)
	}
}

// TestHashOfADirectory is that of cat DIRECTORY/* | sha256sum.
func TestHashOfADirectory(t *testing.T) {
	f := newFollower(t)
	f.change(change{"replace", "b", "ncyInterval: 5s"})
	f.change(change{"replace", "a", "# "})
	w, _ := f.source.poll(f.logger)
	if w.status.Err == nil {
		t.Fatal("b was accepted")
	}
	f.change(change{"replace", "a", "resyncInterval:"})
	f.change(change{"replace", "b", " # 5s"})
	w, _ = f.source.poll(f.logger)
	check(t, "status", ConfigStatus{Source: FromFile, Hash: "c365f3c182d3cd56"}, w.status)
}

// TestFileWatchOfADirectory: which changes of a directory a check must report.
func TestFileWatchOfADirectory(t *testing.T) {
	tests := []struct {
		name      string
		change    change
		unchanged bool
	}{
		{"nothing", change{}, true},
		{"written", change{"write", "a", "resyncInterval: 20s\n"}, false},
		{"replaced", change{"replace", "a", "resyncInterval: 20s\n"}, false},
		{"another file", change{"replace", "c", ""}, false},
		{"removed", change{"remove", "a", ""}, false},
		{"the directory removed", change{"rmdir", "", ""}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFollower(t)
			f.change(change{"replace", "a", "resyncInterval: 10s\n"})
			f.change(change{"replace", "b", ""})
			must(t, syscall.Mkfifo(filepath.Join(f.source.path, "fifo"), 0o600))
			g := settledFileWatch(t, f.source.path)
			f.change(tt.change)
			if got := g.unchanged(); got != tt.unchanged {
				t.Errorf("unchanged() = %v, want %v", got, tt.unchanged)
			}
		})
	}
}

// TestFileWatchOfAVolumeOfFiles: a check of a volume reads the states of the
// directory and of ..data, however many files there are.
func TestFileWatchOfAVolumeOfFiles(t *testing.T) {
	dir := t.TempDir()
	publish := func(version string) {
		must(t, os.Mkdir(filepath.Join(dir, version), 0o700))
		for _, name := range []string{"a", "b", "c"} {
			must(t, os.WriteFile(filepath.Join(dir, version, name), nil, 0o600))
		}
		must(t, os.Symlink(version, filepath.Join(dir, "..data_tmp")))
		must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	}
	publish("..1")
	for _, name := range []string{"a", "b", "c"} {
		must(t, os.Symlink("..data/"+name, filepath.Join(dir, name)))
	}
	g := settledFileWatch(t, dir)
	if !g.unchanged() {
		t.Error("an unchanged volume is reported as changed")
	}
	check(t, "system calls of a check", 2, len(g.watched))
	if got := testing.AllocsPerRun(maxSkipped/2, func() { g.unchanged() }); got > 0 {
		t.Errorf("a check takes %v allocations, want none", got)
	}
	publish("..2")
	if g.unchanged() {
		t.Error("the new target of ..data was not noticed")
	}
}
