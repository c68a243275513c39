// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/test/volume"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// contents reads a directory, and returns NAME=CONTENT of each file.
func contents(t *testing.T, dir string) string {
	t.Helper()
	files, err := config.Read(dir)
	must(t, err)
	var all []string
	for _, f := range files {
		switch {
		case f.Err != nil:
			t.Fatal(f.Err)
		case f.Skipped:
			all = append(all, filepath.Base(f.Name)+" is skipped")
		default:
			all = append(all, filepath.Base(f.Name)+"="+string(f.Data))
		}
	}
	return strings.Join(all, " ")
}

func checkContents(t *testing.T, dir, want string) {
	t.Helper()
	if diff := cmp.Diff(want, contents(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestReadDirectory(t *testing.T) {
	dir, elsewhere := t.TempDir(), write(t, []byte("4"))
	checkContents(t, dir, "")
	for name, text := range map[string]string{"b": "2", "a": "1", "B": "0", ".hidden": "x", "c.yaml~": "3"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	must(t, os.Symlink(elsewhere, filepath.Join(dir, "link")))
	must(t, os.Symlink("no-such-file", filepath.Join(dir, "dangling")))
	must(t, os.Mkdir(filepath.Join(dir, "directory"), 0o700))
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600)) // that nobody writes to
	must(t, os.Symlink("/dev/zero", filepath.Join(dir, "zero")))
	checkContents(t, dir, "B=0 a=1 b=2 c.yaml~=3 directory is skipped fifo is skipped link=4 zero is skipped")
	link := filepath.Join(t.TempDir(), "to-the-directory")
	must(t, os.Symlink(dir, link))
	checkContents(t, link, "B=0 a=1 b=2 c.yaml~=3 directory is skipped fifo is skipped link=4 zero is skipped")
}

func TestReadDirectoryLimits(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a"), make([]byte, 1<<19), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "b"), make([]byte, 1<<19), 0o600))
	contents(t, dir)
	must(t, os.WriteFile(filepath.Join(dir, "b"), make([]byte, 1<<19+1), 0o600))
	files, err := config.Read(dir)
	must(t, err)
	want := dir + "/b: makes the files of the directory larger than 1 MiB in total: shorten them"
	if files[0].Err != nil || files[1].Err == nil || files[1].Err.Error() != want {
		t.Errorf("errors %v and %v, want none and %s", files[0].Err, files[1].Err, want)
	}
	for i := range 255 {
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("c%d", i)), nil, 0o600))
	}
	checkReadInvalid(t, dir, dir+": is a directory with more than 256 entries: use a directory that contains only the configuration")
}

func TestWatched(t *testing.T) {
	v := &volume.Volume{Dir: t.TempDir()}
	must(t, v.Publish(map[string]string{"a": "1", "b": "2"}))
	must(t, os.WriteFile(filepath.Join(v.Dir, "beside"), nil, 0o600))
	plain := t.TempDir()
	must(t, os.WriteFile(filepath.Join(plain, "a"), nil, 0o600))
	for path, want := range map[string][]string{
		v.Dir:                          {v.Dir + "/..data", v.Dir + "/beside"},
		plain:                          {plain + "/a"},
		plain + "/a":                   nil,
		filepath.Join(plain, "none"):   nil,
		filepath.Join(v.Dir, "..data"): {v.Dir + "/..data/a", v.Dir + "/..data/b"},
	} {
		if diff := cmp.Diff(want, config.Watched(path)); diff != "" {
			t.Errorf("Watched(%s) (-want +got):\n%s", path, diff)
		}
	}
}
