// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// maxSize is the maximum size of a configuration in bytes. It is that of a ConfigMap
// (https://kubernetes.io/docs/concepts/configuration/configmap/).
const maxSize = 1 << 20

// Loaded is a configuration with its files.
type Loaded struct {
	Config  Config
	Origins Origins
	Files   []string // the names of the files that were read; none: the defaults
}

// Load reads and parses the file or directory at path. If it is missing or empty,
// every key has its default, because the ConfigMap is optional. Load returns the
// errors of [Read] and [Files.Parse].
func Load(path string, o Options) (Loaded, error) {
	files, err := Read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Loaded{}, err
	}
	c, origins, _, err := files.Parse(o)
	return Loaded{Config: c, Origins: origins, Files: files.Names()}, err
}

// Read returns the file at path or, if path is a directory, its regular files in
// name order. It follows symbolic links and ignores names that begin with a dot.
// If nothing exists at path, the error wraps [fs.ErrNotExist]. If the path is
// neither a regular file nor a directory, or if a file is larger than 1 MiB, the
// error is an [*InvalidError]. The error of one file of a directory is in its Err.
//
// The kubelet updates all files of a ConfigMap volume or projected volume at once,
// by replacing the link ..data. Read returns the files from one such update.
func Read(path string) (Files, error) {
	f, err := open(path)
	switch {
	case errors.Is(err, syscall.ENXIO): // a socket, or a device without a driver (open(2))
		return nil, invalidFile(path, notRegular)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("reading the configuration: %w: %s", err, fixPermission)
	case errors.Is(err, syscall.ELOOP):
		return nil, fmt.Errorf("reading the configuration: %w: replace the symbolic link, which leads back to itself, with the file", err)
	case errors.Is(err, syscall.ENOTDIR):
		return nil, fmt.Errorf("reading the configuration: %w: correct the path, part of which is a file", err)
	case err != nil:
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	defer f.Close()
	// Stat uses the open file, because the kubelet may have replaced the link
	// ..data since.
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the configuration: %w", err)
	case info.IsDir():
		return readDirectory(path)
	}
	file := readOpenFile(path, f, maxSize, largeFile)
	return Files{file}, file.Err
}

// open opens the file or directory at path. It tries again if a link in the path led
// to a directory that the kubelet has just removed, see [Read].
func open(path string) (f *os.File, err error) {
	for range maxAttempts {
		// Without O_NONBLOCK, opening a FIFO would block until something writes to it.
		f, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
		if _, missing := os.Lstat(path); missing != nil {
			break
		}
	}
	return f, err
}

// readOpenFile reads an open file. tooLarge is the message about a file of more
// than limit bytes.
func readOpenFile(name string, f *os.File, limit int, tooLarge message) File {
	file := File{Name: name}
	file.Info, file.Err = f.Stat()
	switch {
	case file.Err != nil:
	case !file.Info.Mode().IsRegular():
		file.Err = invalidFile(name, notRegular)
	default:
		file.Data, file.Err = io.ReadAll(io.LimitReader(f, int64(limit)+1))
		if file.Err == nil && len(file.Data) > limit {
			file.Data, file.Err = nil, invalidFile(name, tooLarge)
		}
	}
	var invalid *InvalidError
	if file.Err != nil && !errors.As(file.Err, &invalid) {
		file.Err = fmt.Errorf("reading the configuration: %w", file.Err)
	}
	return file
}

// fixPermission is the suggested fix for a file that the agent may not read.
const fixPermission = "give the agent's user permission to read it"

var (
	notRegular = message{
		"is not a regular file",
		`mount the key "config" of the ConfigMap as this file`,
	}
	largeFile = message{"is larger than 1 MiB, the maximum size of a ConfigMap", "shorten it"}
)

// CheckSize returns the problem of a file that is too large for a ConfigMap, nil if
// it is not.
func CheckSize(file string, size int) *Problem {
	if size <= maxSize {
		return nil
	}
	return &Problem{File: file, Reason: largeFile.reason, Remedy: largeFile.remedy}
}

// invalidFile returns the error of a file with one problem that belongs to no line.
func invalidFile(file string, m message) *InvalidError {
	return &InvalidError{Problems: []Problem{{File: file, Reason: m.reason, Remedy: m.remedy}}}
}
