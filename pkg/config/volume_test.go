// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/test/volume"
)

// TestVolume reads a volume between the steps of the AtomicWriter of the kubelet:
// only the target of ..data decides which files there are.
func TestVolume(t *testing.T) {
	v := &volume.Volume{Dir: t.TempDir()}
	must(t, v.Publish(map[string]string{"a": "1", "b": "2"}))
	checkContents(t, v.Dir, "a=1 b=2")
	must(t, v.Swap(map[string]string{"b": "3", "c": "4"})) // links are not changed yet
	checkContents(t, v.Dir, "b=3 c=4")
	must(t, os.WriteFile(filepath.Join(v.Dir, "beside"), []byte("5"), 0o600)) // mounted by subPath
	checkContents(t, v.Dir, "b=3 beside=5 c=4")
	must(t, v.Swap(nil))
	checkContents(t, v.Dir, "beside=5")
}

// TestReadDuringUpdates reads a volume while another goroutine replaces it as
// fast as it can. All files must be from one update, and none may be missing.
func TestReadDuringUpdates(t *testing.T) {
	for name, below := range map[string]string{"of the volume": "", "of a directory by a link": "..data"} {
		t.Run(name, func(t *testing.T) {
			v := &volume.Volume{Dir: t.TempDir()}
			checkUpdates(t, v, filepath.Join(v.Dir, below))
		})
	}
}

func checkUpdates(t *testing.T, v *volume.Volume, path string) {
	update := func(n int) map[string]string {
		files := map[string]string{}
		for i := range 6 + 6*(n%2) { // every other one has more files
			files[fmt.Sprintf("%c%d", 'a'+i, n%3)] = fmt.Sprint(n) // and other names
		}
		return files
	}
	must(t, v.Publish(update(0)))
	stop, done := make(chan struct{}), make(chan error, 1)
	t.Cleanup(func() { close(stop); must(t, <-done) })
	go func() {
		for n := 1; ; n++ {
			if err := v.Publish(update(n)); err != nil {
				done <- err
				return
			}
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
		}
	}()
	seen, changing := map[string]bool{}, 0
	for end := time.Now().Add(2 * time.Minute); len(seen) < 50 && time.Now().Before(end); {
		files, err := config.Read(path)
		if errors.Is(err, config.ErrChanging) {
			changing++
			continue
		}
		must(t, err)
		if len(files) == 0 {
			t.Fatal("no files")
		}
		var n int
		if _, err := fmt.Sscan(string(files[0].Data), &n); err != nil {
			t.Fatalf("%s: %q", files[0].Name, files[0].Data)
		}
		want, got := update(n), map[string]string{}
		for _, f := range files {
			must(t, f.Err)
			got[filepath.Base(f.Name)] = string(f.Data)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("half of update %d (-want +got):\n%s", n, diff)
		}
		seen[string(files[0].Data)] = true
	}
	t.Logf("saw %d updates; %d readings gave up", len(seen), changing)
	if len(seen) < 50 {
		t.Errorf("saw only %d updates", len(seen))
	}
}
