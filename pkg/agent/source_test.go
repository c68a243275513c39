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

	"ip-masq-agent/pkg/config"
)

func TestSource(t *testing.T) {
	const one, two, bad = "nonMasqueradeCIDRs: [1.0.0.0/8]\n", "nonMasqueradeCIDRs: [2.0.0.0/8]\n", "x"
	const gone, empty = "the configuration file is gone, falling back to the defaults", "the configuration file is empty, falling back to the defaults"
	start := step{"replace", one, "1.0.0.0/8", "masqueradeCIDRs=[]"}
	tests := []struct {
		name  string
		steps []step
	}{
		{"replaced", []step{start, {"replace", two, "2.0.0.0/8", ""}, {"", "", "same", ""}}},
		{"truncated and rewritten", []step{start, {"write", "", "same", ""}, {"write", two, "same", ""}, {"", "", "2.0.0.0/8", ""}}},
		{"truncated and rewritten as it was", []step{start, {"write", "", "same", ""}, {"write", one, "same", ""}, {"", "", "same", ""}}},
		{"written in two halves", []step{start, {"write", "nonMasqueradeCIDRs:", "same", ""}, {"write", two, "same", ""}, {"", "", "2.0.0.0/8", ""}}},
		{"invalid for a moment", []step{start, {"write", bad, "same", ""}, {"write", two, "same", ""}, {"", "", "2.0.0.0/8", ""}}},
		{"removed and created", []step{start, {"remove", "", "same", ""}, {"replace", two, "2.0.0.0/8", ""}}},
		{"removed", []step{start, {"remove", "", "same", ""}, {"", "", "10.0.0.0/8", gone}, {"", "", "same", ""}, {"replace", two, "2.0.0.0/8", ""}}},
		{"removed, then an empty one", []step{start, {"remove", "", "same", ""}, {"", "", "10.0.0.0/8", gone}, {"replace", "", "same", ""}, {"", "", "10.0.0.0/8", ""}}},
		{"emptied", []step{start, {"write", "", "same", ""}, {"", "", "10.0.0.0/8", empty}, {"", "", "same", ""}}},
		{"emptied again and again", []step{start, {"write", "", "same", ""}, {"write", "", "same", ""}, {"write", "", "same", ""}, {"", "", "10.0.0.0/8", empty}}},
		{"replaced by an empty file", []step{start, {"replace", "", "same", ""}, {"", "", "10.0.0.0/8", empty}}},
		{"replaced by comments", []step{start, {"replace", "# none\n---\n", "same", ""}, {"", "", "10.0.0.0/8", empty}}},
		{"emptied while it was invalid", []step{start, {"replace", bad, "invalid", "last valid one stays in force"}, {"write", "", "same", ""}, {"", "", "10.0.0.0/8", empty}}},
		{"none at the start", []step{{"", "", "10.0.0.0/8", "source=\"default\""}, {"", "", "same", ""}, {"replace", one, "1.0.0.0/8", ""}}},
		{"empty at the start", []step{{"replace", "", "10.0.0.0/8", ""}, {"write", one, "same", ""}, {"", "", "1.0.0.0/8", ""}}},
		{"invalid at the start", []step{{"replace", bad, "invalid", "no previous valid one"}, {"remove", "", "10.0.0.0/8", ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFollower(t)
			for i, s := range tt.steps {
				f.do(s)
				found, log := f.poll()
				if found != s.want || !strings.Contains(log, s.logs) {
					t.Errorf("step %d: found %s, want %s; logged %q, want %q", i, found, s.want, log, s.logs)
				}
				if s.want == "same" && log != "" {
					t.Errorf("step %d: logged %q", i, log)
				}
				if strings.Contains(log, "falling back") != (s.logs == gone || s.logs == empty) {
					t.Errorf("step %d: logged %q", i, log)
				}
			}
		})
	}
}

// TestFileIsNotReadAgain: of a file that is old enough only the metadata is read.
func TestFileIsNotReadAgain(t *testing.T) {
	f := newFollower(t)
	if !isLocal(f.source.path) {
		t.Skipf("%s is not on a local file system", f.source.path)
	}
	f.source.fileWatch = newFileWatch()
	f.source.fileWatch.settle = -24 * time.Hour // any age is enough
	f.do(step{do: "replace", content: "nonMasqueradeCIDRs: [1.0.0.0/8]\n"})
	for i, want := range []string{"1.0.0.0/8", "same", "same", "same"} {
		if got, _ := f.poll(); got != want || f.source.fileWatch.skipped != i {
			t.Errorf("poll %d found %s and skipped %d readings, want %s and %d", i, got, f.source.fileWatch.skipped, want, i)
		}
	}
}

// TestOtherFilesAreNamed: a ConfigMap whose key was renamed mounts another file.
func TestOtherFilesAreNamed(t *testing.T) {
	f := newFollower(t)
	dir := filepath.Dir(f.source.path)
	for _, name := range []string{"config", "..data", "backup.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const others = `otherFiles=["backup.yaml","config"]`
	if _, log := f.poll(); !strings.Contains(log, "Warning: there is no configuration file") || !strings.Contains(log, others) || !strings.Contains(log, f.source.path) {
		t.Errorf("at the start, logged %q", log)
	}
	f.do(step{do: "replace", content: "resyncInterval: 5s"})
	f.poll()
	f.do(step{do: "remove"})
	f.poll()
	if _, log := f.poll(); !strings.Contains(log, "Warning: the configuration file is gone") || !strings.Contains(log, others) {
		t.Errorf("after the file was removed, logged %q", log)
	}
}

// TestOtherFilesAreNoWarning: neither other files beside the agent's own nor their
// absence cause a warning.
func TestOtherFilesAreNoWarning(t *testing.T) {
	f := newFollower(t)
	if found, log := f.poll(); found != "10.0.0.0/8" || strings.Contains(log, "Warning:") {
		t.Errorf("of an empty directory: %s, logged %q", found, log)
	}
	must(t, os.WriteFile(f.source.path+".bak", nil, 0o600))
	f.do(step{do: "replace", content: "nonMasqueradeCIDRs: [1.0.0.0/8]\n"})
	if found, log := f.poll(); found != "1.0.0.0/8" || strings.Contains(log, "Warning:") {
		t.Errorf("of a file beside another: %s, logged %q", found, log)
	}
}

// TestPipeIsInvalid: a FIFO does not count as a missing file, and the agent does not
// wait for it.
func TestPipeIsInvalid(t *testing.T) {
	f := newFollower(t)
	must(t, syscall.Mkfifo(f.source.path, 0o600))
	if found, log := f.poll(); found != "invalid" || !strings.Contains(log, "not a regular file") {
		t.Errorf("%s, logged %q", found, log)
	}
}

func TestHash(t *testing.T) {
	f := newFollower(t)
	f.do(step{do: "replace", content: "resyncInterval: 5s"})
	w, _ := f.source.poll(f.logger)
	if w.status.Hash != "96efebead1937c05" || w.status.Source != FromFile {
		t.Errorf("%+v", w.status)
	}
}

func TestAtMostTenOtherFilesAreNamed(t *testing.T) {
	f := newFollower(t)
	for i := range 12 {
		if err := os.WriteFile(filepath.Join(filepath.Dir(f.source.path), string(rune('a'+i))), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, log := f.poll(); !strings.Contains(log, `otherFiles=["a","b","c","d","e","f","g","h","i","j"]`) {
		t.Errorf("logged %q", log)
	}
}

// TestVolumeThatChangesAtTheStart: a volume that was replaced during each attempt to
// read it is read again before it counts as invalid, because the defaults would
// apply until then.
func TestVolumeThatChangesAtTheStart(t *testing.T) {
	s := &source{}
	for i, want := range []bool{true, false} {
		r := reading{made: true, err: config.ErrChanging}
		if got := s.unsettled(r); got != want {
			t.Errorf("reading %d: unsettled() = %v, want %v", i+1, got, want)
		}
		s.last = r
	}
}
