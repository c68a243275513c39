// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package volume writes a ConfigMap volume, or a projected volume of several
// ConfigMaps, in the same steps as the kubelet's AtomicWriter:
//
//	ip-masq-agent -> ..data/ip-masq-agent
//	..data        -> ..2026_01_01_00_00_00.000000001
//	..2026_01_01_00_00_00.000000001/ip-masq-agent
//
// An update writes a new directory and replaces the link ..data by a rename, so
// the files that a reader has opened never change.
package volume

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// data is the link to the directory with the current files.
const data = "..data"

// Volume is a volume in the directory Dir, which must exist.
type Volume struct {
	Dir string
	n   int // the number of updates
}

// Publish replaces all files of the volume.
func (v *Volume) Publish(files map[string]string) error {
	old, err := os.Readlink(filepath.Join(v.Dir, data))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := v.Swap(files); err != nil {
		return err
	}
	for name := range files {
		if err := os.Symlink(filepath.Join(data, name), filepath.Join(v.Dir, name)); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	if err := v.removeOldLinks(files); err != nil {
		return err
	}
	if old == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(v.Dir, old))
}

// Swap is the first step of [Volume.Publish]: it writes the files to a new
// directory and makes ..data point to it. It does not change the links to the
// files and does not delete the old directory.
func (v *Volume) Swap(files map[string]string) error {
	v.n++
	name := fmt.Sprintf("..2026_01_01_00_00_00.%09d", v.n)
	if err := os.Mkdir(filepath.Join(v.Dir, name), 0o755); err != nil {
		return err
	}
	for file, content := range files {
		if err := os.WriteFile(filepath.Join(v.Dir, name, file), []byte(content), 0o644); err != nil {
			return err
		}
	}
	tmp := filepath.Join(v.Dir, "..data_tmp")
	if err := os.Symlink(name, tmp); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(v.Dir, data))
}

// removeOldLinks deletes the links to files that the volume no longer has.
func (v *Volume) removeOldLinks(files map[string]string) error {
	entries, err := os.ReadDir(v.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, found := files[e.Name()]; found || e.Type() != os.ModeSymlink || e.Name() == data {
			continue
		}
		if err := os.Remove(filepath.Join(v.Dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
