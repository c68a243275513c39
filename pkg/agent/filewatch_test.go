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

// TestFileWatch: which changes a check must report.
func TestFileWatch(t *testing.T) {
	const before = "resyncInterval: 10s\n"
	const sameSize = "resyncInterval: 20s\n"
	write := func(content string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte(content), 0o600)) }
	}
	tests := []struct {
		name      string
		change    func(t *testing.T, path string)
		unchanged bool
	}{
		{"nothing", func(*testing.T, string) {}, true},
		{"another size", write(before + "# more\n"), false},
		{"the same size", write(sameSize), false},
		{"the same size and time of modification", func(t *testing.T, path string) {
			info, err := os.Stat(path)
			must(t, err)
			write(sameSize)(t, path)
			must(t, os.Chtimes(path, time.Time{}, info.ModTime()))
		}, false},
		{"replaced", func(t *testing.T, path string) {
			write(before)(t, path+".new")
			must(t, os.Rename(path+".new", path))
		}, false},
		{"removed", func(t *testing.T, path string) { must(t, os.Remove(path)) }, false},
		{"a directory now", func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, os.Mkdir(path, 0o700))
		}, false},
		{"another file beside it", func(t *testing.T, path string) { write("x")(t, path+".other") }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ip-masq-agent")
			write(before)(t, path)
			g := settledFileWatch(t, path)
			tt.change(t, path)
			if got := g.unchanged(); got != tt.unchanged {
				t.Errorf("unchanged() = %v, want %v", got, tt.unchanged)
			}
		})
	}
}

// TestFileWatchOfAVolume has a file as the kubelet writes it: a link through ..data,
// which the kubelet replaces.
func TestFileWatchOfAVolume(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ip-masq-agent")
	publish := func(version, content string) {
		must(t, os.Mkdir(filepath.Join(dir, version), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, version, "ip-masq-agent"), []byte(content), 0o600))
		must(t, os.Symlink(version, filepath.Join(dir, "..data_tmp")))
		must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	}
	publish("..1", "resyncInterval: 10s\n")
	must(t, os.Symlink("..data/ip-masq-agent", path))
	g := settledFileWatch(t, path)
	if !g.unchanged() {
		t.Error("an unchanged file is reported as changed")
	}
	publish("..2", "resyncInterval: 20s\n")
	if g.unchanged() {
		t.Error("the new target of ..data was not noticed")
	}
}

// TestFileWatchBelowAFile: the directory of the file became a file.
func TestFileWatchBelowAFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "volume")
	path := filepath.Join(dir, "ip-masq-agent")
	must(t, os.Mkdir(dir, 0o700))
	must(t, os.WriteFile(path, nil, 0o600))
	g := settledFileWatch(t, path)
	must(t, os.RemoveAll(dir))
	must(t, os.WriteFile(dir, nil, 0o600))
	if g.unchanged() {
		t.Error("a path below a file is reported as unchanged")
	}
}

// TestFileWatchProvesNothing: timestamps prove nothing if another program may have
// invented them.
func TestFileWatchProvesNothing(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Symlink("/proc/version", filepath.Join(dir, "link")))
	for _, path := range []string{"/proc/version", dir} {
		g := newFileWatch()
		g.settle = 0
		g.record(path)
		time.Sleep(20 * time.Millisecond)
		g.record(path)
		if g.unchanged() {
			t.Errorf("%s is reported as unchanged", path)
		}
	}
}

func TestStat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ip-masq-agent")
	must(t, os.WriteFile(path, []byte("abc"), 0o600))
	at := time.Unix(1_700_000_000, 123_456_789)
	must(t, os.Chtimes(path, at, at))
	for _, raw := range []bool{true, false} {
		state, err := newFileWatch().stat(append([]byte(path), 0), raw)
		if err != nil || state.modified != at.UnixNano() || state.size != 3 || state.mode != syscall.S_IFREG {
			t.Errorf("stat(%v) = %+v, %v", raw, state, err)
		}
	}
}

func TestIsLocal(t *testing.T) {
	if _, err := os.Stat("/dev/shm"); err != nil {
		t.Skip("no /dev/shm, which is a tmpfs")
	}
	file, err := os.CreateTemp("/dev/shm", "is-local")
	must(t, err)
	t.Cleanup(func() { os.Remove(file.Name()) })
	must(t, file.Close())
	for path, want := range map[string]bool{
		file.Name():                      true,
		file.Name() + ".none":            true,
		"/dev/shm/no/such/directory":     true,
		"/proc/version":                  false,
		"/proc/no/such/file":             false,
		file.Name() + "/below-a-file":    false, // not ENOENT
		"/dev/shm/" + longName + "/file": false,
	} {
		if got := isLocal(path); got != want {
			t.Errorf("isLocal(%s) = %v", path, got)
		}
	}
}

// longName is longer than a name can be.
var longName = strings.Repeat("x", 300)

func TestFileWatchOfAMissingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "ip-masq-agent")
	g := settledFileWatch(t, path)
	if !g.unchanged() {
		t.Error("a file that is still missing is reported as changed")
	}
	must(t, os.Mkdir(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path, nil, 0o600))
	if g.unchanged() {
		t.Error("a new file was not noticed")
	}
}

// TestYoungFileIsRead: a rewrite of equal size within one step of the clock may
// leave no trace in the timestamps.
func TestYoungFileIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ip-masq-agent")
	must(t, os.WriteFile(path, []byte("a"), 0o600))
	g := newFileWatch()
	g.settle = time.Hour // the test may take longer than settleTime
	g.record(path)
	if g.unchanged() {
		t.Error("a file that was just written is not read again")
	}
}

// TestSettled: timestamps prove something if they are older than settleTime. Those in
// the future prove nothing.
func TestSettled(t *testing.T) {
	for age, want := range map[time.Duration]bool{time.Hour: true, settleTime + time.Minute: true, -time.Minute: false, -time.Hour: false} {
		if got := newFileWatch().settled(fileState{changed: time.Now().Add(-age).UnixNano()}); got != want {
			t.Errorf("changed %v ago: settled() = %v, want %v", age, got, want)
		}
	}
}

func TestFileIsReadAfterSkippedReadings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ip-masq-agent")
	g := settledFileWatch(t, path)
	for i := range maxSkipped {
		if !g.unchanged() {
			t.Fatalf("check %d reported a change", i)
		}
	}
	if g.unchanged() {
		t.Errorf("more than %d readings were skipped", maxSkipped)
	}
}

func TestFileWatchDoesNotAllocate(t *testing.T) {
	g := settledFileWatch(t, filepath.Join(t.TempDir(), "ip-masq-agent"))
	if got := testing.AllocsPerRun(maxSkipped/2, func() { g.unchanged() }); got > 0 {
		t.Errorf("a check of the file takes %v allocations, want none", got)
	}
}

// settledFileWatch returns a fileWatch that has recorded the file, and to which any age
// is enough, also if the clock of the machine is set back meanwhile. A later write
// changes the timestamps, because it is several steps of the clock later.
func settledFileWatch(t *testing.T, path string) *fileWatch {
	t.Helper()
	if !isLocal(path) {
		t.Skipf("%s is not on a local file system", path)
	}
	g := newFileWatch()
	g.settle = -24 * time.Hour
	time.Sleep(100 * time.Millisecond)
	g.record(path)
	return g
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
