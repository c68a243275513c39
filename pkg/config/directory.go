// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// maxEntries is the maximum number of names in a directory. A directory that
	// was given by mistake could cost memory, and system calls each second.
	maxEntries = 256
	// maxAttempts is the maximum number of attempts to read a directory that is
	// replaced meanwhile. The kubelet replaces it at most once a second.
	maxAttempts = 10
)

// ErrChanging is the error of a volume that was replaced during each attempt to
// read it.
var ErrChanging = errors.New("reading the configuration: the volume was replaced during each attempt")

// readDirectory reads the files of a directory, in total at most maxSize bytes.
func readDirectory(path string) (Files, error) {
	for range maxAttempts {
		files, changed, err := tryReadDirectory(path)
		if !changed {
			return files, err
		}
	}
	return nil, ErrChanging
}

// tryReadDirectory makes one attempt to read a directory. It reports whether the
// directory, or the target of ..data, was replaced while the files were opened. The
// kubelet then removes the old target, so some of the files may be missing.
func tryReadDirectory(path string) (files Files, changed bool, err error) {
	dir, err := openDirectory(unix.AT_FDCWD, path, path)
	if err != nil { // if it is missing, it was there when Read opened it
		return nil, errors.Is(err, fs.ErrNotExist), fmt.Errorf("reading the configuration: %w", err)
	}
	defer dir.Close()
	data, err := openDataDir(dir)
	if err != nil {
		return nil, false, fmt.Errorf("reading the configuration: %w", err)
	}
	if data != nil {
		defer data.Close()
	}
	found, listErr := listFiles(dir, data) // fails while the kubelet removes data
	var open []*os.File                    // parallel to files; nil if the file cannot be read
	defer func() {
		for _, f := range open {
			f.Close() // does nothing if f is nil
		}
	}()
	for _, name := range slices.Sorted(maps.Keys(found)) {
		file := File{Name: filepath.Join(dir.Name(), name)}
		f, err := openRegular(found[name], name, file.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed, or a dangling link
			continue
		case errors.Is(err, errors.ErrUnsupported):
			file.Skipped = true
		case err != nil:
			file.Err = err
		}
		open, files = append(open, f), append(files, file)
	}
	// Open files can be read even after they are removed.
	changed, err = isReplaced(dir, data)
	if err := errors.Join(listErr, err); changed || err != nil {
		return nil, changed, err
	}
	left := maxSize
	for i, f := range open {
		if f != nil {
			files[i] = readOpenFile(files[i].Name, f, left, largeDirectory)
			left -= len(files[i].Data)
		}
	}
	return files, false, nil
}

var largeDirectory = message{"makes the files of the directory larger than 1 MiB in total", "shorten them"}

// listFiles returns the names of the files in dir and, if dir is a volume, in data,
// the target of ..data, with the directory in which to open each. The kubelet
// creates and removes the links in dir one by one after it replaced data, so a file
// may have no link yet, or a link no file any more.
func listFiles(dir, data *os.File) (map[string]*os.File, error) {
	names, err := readNames(dir)
	if err != nil {
		return nil, err
	}
	found := map[string]*os.File{}
	for _, name := range names {
		found[name] = dir
	}
	if data == nil {
		return found, nil
	}
	if names, err = readNames(data); err != nil {
		return nil, err
	}
	for _, name := range names {
		if found[name] == nil {
			found[name] = data
		}
	}
	return found, nil
}

// readNames returns the names in a directory that do not begin with a dot.
func readNames(dir *os.File) ([]string, error) {
	if _, err := dir.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	names, err := dir.Readdirnames(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if len(names) > maxEntries {
		return nil, invalidFile(dir.Name(), message{
			fmt.Sprintf("is a directory with more than %d entries", maxEntries),
			"use a directory that contains only the configuration",
		})
	}
	return slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, ".") }), nil
}

// openRegular opens a regular file of a directory. For any other kind of file it
// returns [errors.ErrUnsupported]. It checks the kind first, because opening a
// device can have side effects. readOpenFile checks again.
func openRegular(dir *os.File, name, path string) (*os.File, error) {
	var stat unix.Stat_t
	if err := unix.Fstatat(int(dir.Fd()), name, &stat, 0); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, errors.ErrUnsupported
	}
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// Watched returns the paths in a directory that are to be watched for changes, in
// addition to the directory itself. As long as none of them changes, [Read] returns
// the same. A volume has the path ..data instead of its files, because the kubelet
// never writes to them. Watched returns none for a file.
func Watched(path string) []string {
	dir, err := openDirectory(unix.AT_FDCWD, path, path)
	if err != nil {
		return nil
	}
	defer dir.Close()
	var paths []string
	data, err := openDataDir(dir)
	if err == nil && data != nil {
		defer data.Close()
		paths = append(paths, data.Name())
	}
	names, _ := readNames(dir) // if this fails, Read fails too
	for _, name := range slices.Sorted(slices.Values(names)) {
		file := filepath.Join(path, name)
		if link, err := os.Readlink(file); err != nil || !strings.HasPrefix(link, dataLink+"/") {
			paths = append(paths, file)
		}
	}
	return paths
}
