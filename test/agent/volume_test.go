// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// volume is a ConfigMap, or a projected volume of several, mounted into the
// agent's container. It is written as the kubelet's atomic writer does it:
//
//	ip-masq-agent -> ..data/ip-masq-agent
//	..data        -> ..2026_01_01_00_00_00.000000001
//	..2026_01_01_00_00_00.000000001/ip-masq-agent
//
// An update makes a new directory and swaps ..data by a rename, so the files
// that the agent opens are never written to.
type volume struct {
	dir string
	n   int
}

// path is the file that the agent reads.
func (v *volume) path() string { return filepath.Join(v.dir, "ip-masq-agent") }

// write makes content the value of the ConfigMap's key.
func (v *volume) write(t testing.TB, content string) {
	t.Helper()
	v.publish(t, map[string]string{"ip-masq-agent": content})
}

// remove takes the key away, as deleting an optional ConfigMap does.
func (v *volume) remove(t testing.TB) {
	t.Helper()
	v.publish(t, nil)
}

// publish makes these all the files of the volume.
func (v *volume) publish(t testing.TB, files map[string]string) {
	t.Helper()
	old := v.swap(t, func(dir string) error {
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
				return err
			}
		}
		return nil
	})
	for name := range files {
		err := os.Symlink(filepath.Join("..data", name), filepath.Join(v.dir, name))
		if err != nil && !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(v.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, found := files[e.Name()]; !found && !strings.HasPrefix(e.Name(), ".") {
			if err := os.Remove(filepath.Join(v.dir, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	v.drop(t, old)
}

// swap makes a directory that fill fills, points ..data to it, and returns the
// one that ..data pointed to.
func (v *volume) swap(t testing.TB, fill func(dir string) error) (old string) {
	t.Helper()
	v.n++
	name := fmt.Sprintf("..2026_01_01_00_00_00.%09d", v.n)
	data, tmp := filepath.Join(v.dir, "..data"), filepath.Join(v.dir, "..data_tmp")
	old, err := os.Readlink(data)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, step := range []func() error{
		func() error { return os.Mkdir(filepath.Join(v.dir, name), 0o755) },
		func() error { return fill(filepath.Join(v.dir, name)) },
		func() error { return os.Symlink(name, tmp) },
		func() error { return os.Rename(tmp, data) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return old
}

func (v *volume) drop(t testing.TB, old string) {
	t.Helper()
	if old == "" {
		return
	}
	if err := os.RemoveAll(filepath.Join(v.dir, old)); err != nil {
		t.Fatal(err)
	}
}
