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
	// maxEntries is the maximum number of names in a directory, so that one
	// named by mistake costs neither memory nor, each second, system calls.
	maxEntries = 256
	// maxAttempts is how often a directory is read whose generation changes
	// meanwhile. The kubelet changes it at most once a second.
	maxAttempts = 10
)

// ErrChanging is the error of a volume that could not be read between two
// changes.
var ErrChanging = errors.New("reading the configuration: the volume was replaced each time it was read")

// readDirectory reads the files of a directory, at most maxSize bytes together.
func readDirectory(path string) (Files, error) {
	for range maxAttempts {
		files, changed, err := readGeneration(path)
		if !changed {
			return files, err
		}
	}
	return nil, ErrChanging
}

// readGeneration is one attempt. It reports whether another directory took the
// place of this one, or another generation of the volume was published, while the
// files were opened: the old one is removed then, so that some of its files may
// be missing.
func readGeneration(path string) (files Files, changed bool, err error) {
	dir, err := openDirectory(unix.AT_FDCWD, path, path)
	if err != nil {
		return nil, false, fmt.Errorf("reading the configuration: %w", err)
	}
	defer dir.Close()
	current, err := openGeneration(dir)
	if err != nil {
		return nil, false, fmt.Errorf("reading the configuration: %w", err)
	}
	if current != nil {
		defer current.Close()
	}
	found, listErr := listFiles(dir, current) // which fails while the kubelet removes current
	var open []*os.File                       // one for each of files; nil if it cannot be read
	defer func() {
		for _, f := range open {
			f.Close() // of nil it does nothing
		}
	}()
	for _, name := range slices.Sorted(maps.Keys(found)) {
		file := File{Name: filepath.Join(dir.Name(), name)}
		f, err := openRegular(found[name], name, file.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone, or a link to nothing
			continue
		case errors.Is(err, errors.ErrUnsupported):
			file.Skipped = true
		case err != nil:
			file.Err = err
		}
		open, files = append(open, f), append(files, file)
	}
	// Files that are open are read whole, even if they are removed now.
	changed, err = isReplaced(dir, current)
	if err := errors.Join(listErr, err); changed || err != nil {
		return nil, changed, err
	}
	left := maxSize
	for i, f := range open {
		if f != nil {
			files[i] = readOpen(files[i].Name, f, left, tooLargeTogether)
			left -= len(files[i].Data)
		}
	}
	return files, false, nil
}

var tooLargeTogether = fault{"brings the files of the directory to over 1 MiB together", "write shorter files"}

// listFiles returns the names of a directory with the directory in which each is
// opened. That a name of the current generation has no link yet, or a link leads
// to none, does not matter: the kubelet makes and removes the links one by one,
// after it has published the generation.
func listFiles(dir, current *os.File) (map[string]*os.File, error) {
	names, err := readNames(dir)
	if err != nil {
		return nil, err
	}
	found := map[string]*os.File{}
	for _, name := range names {
		found[name] = dir
	}
	if current == nil {
		return found, nil
	}
	if names, err = readNames(current); err != nil {
		return nil, err
	}
	for _, name := range names {
		if found[name] == nil {
			found[name] = current
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
		return nil, refuse(dir.Name(), fault{
			fmt.Sprintf("is a directory with more than %d entries", maxEntries),
			"name a directory that holds the configuration and nothing else",
		})
	}
	return slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, ".") }), nil
}

// openRegular opens a file of a directory. The error of anything but a regular
// file is [errors.ErrUnsupported]. The kind is asked before the open, which a
// device may take for a command, and after it, see readOpen.
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

// Watched returns the paths below the directory path of which one has to change,
// or path itself, before [Read] can return anything else; none for a file. Of a
// volume that is ..data and not its files, because the kubelet never writes to
// them.
func Watched(path string) []string {
	dir, err := openDirectory(unix.AT_FDCWD, path, path)
	if err != nil {
		return nil
	}
	defer dir.Close()
	var paths []string
	current, err := openGeneration(dir)
	if err == nil && current != nil {
		defer current.Close()
		paths = append(paths, current.Name())
	}
	names, _ := readNames(dir) // without them Read fails too
	for _, name := range slices.Sorted(slices.Values(names)) {
		file := filepath.Join(path, name)
		if link, err := os.Readlink(file); err != nil || !strings.HasPrefix(link, generation+"/") {
			paths = append(paths, file)
		}
	}
	return paths
}
