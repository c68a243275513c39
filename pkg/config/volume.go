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

// dataLink is the link with which the kubelet updates all files of a volume at
// once. The kubelet replaces its target, and never writes to it
// (k8s.io/kubernetes/pkg/volume/util, AtomicWriter).
const dataLink = "..data"

// openDirectory opens the directory name in the directory with the descriptor at.
func openDirectory(at int, name, path string) (*os.File, error) {
	fd, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// openDataDir opens the target of ..data; nil if the directory is not a volume.
func openDataDir(dir *os.File) (*os.File, error) {
	f, err := openDirectory(int(dir.Fd()), dataLink, filepath.Join(dir.Name(), dataLink))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	return f, err
}

// isReplaced reports whether the path of one of two open directories now leads to
// another directory. data may be nil. While a directory is open, no other one has
// its inode.
func isReplaced(dir, data *os.File) (bool, error) {
	for _, f := range []*os.File{dir, data} {
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
