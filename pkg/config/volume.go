// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// generation is the link by which the kubelet publishes the files of a volume
// at once. Its target is replaced as a whole and never written to
// (k8s.io/kubernetes/pkg/volume/util, AtomicWriter).
const generation = "..data"

// openDirectory opens a directory below another one.
func openDirectory(at int, name, path string) (*os.File, error) {
	fd, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// openGeneration opens the target of ..data; nil if the directory is no volume.
func openGeneration(dir *os.File) (*os.File, error) {
	f, err := openDirectory(int(dir.Fd()), generation, filepath.Join(dir.Name(), generation))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	return f, err
}

// isReplaced tells whether the path leads to another directory than the open one,
// or its ..data does. While a directory is open, no other has its inode.
func isReplaced(dir, current *os.File) (bool, error) {
	for _, f := range []*os.File{dir, current} {
		if f == nil {
			continue
		}
		before, err := f.Stat()
		if err != nil {
			return false, fmt.Errorf("reading the configuration: %w", err)
		}
		now, err := os.Stat(f.Name())
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return true, nil
		case err != nil:
			return false, fmt.Errorf("reading the configuration: %w", err)
		case !os.SameFile(before, now):
			return true, nil
		}
	}
	return false, nil
}
