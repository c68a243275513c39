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

// maxSize is the most that is read of a configuration, in bytes: a ConfigMap may
// hold no more (Kubernetes documentation, "ConfigMaps").
const maxSize = 1 << 20

// Loaded is what the files of a path say, and where.
type Loaded struct {
	Config  Config
	Origins Origins
	Files   []string // that were read; none: the defaults
}

// Load reads and parses what path holds. A missing file and an empty directory
// leave every key at its default: the ConfigMap is optional. Its errors are those
// of [Files.Parse] and [Read].
func Load(path string, o Options) (Loaded, error) {
	files, err := Read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Loaded{}, err
	}
	c, origins, _, err := files.Parse(o)
	return Loaded{Config: c, Origins: origins, Files: files.Names()}, err
}

// Read returns the file at path or, if path is a directory, its regular files in
// name order; symbolic links are followed and names that begin with a dot are
// skipped. The error of a missing path wraps [fs.ErrNotExist]. More than 1 MiB,
// and anything but regular files and directories, is a [*Refusal]. What is wrong
// with one file of a directory is in its Err.
//
// Of a volume of Kubernetes it returns one generation: the kubelet publishes all
// files of a ConfigMap or of a projected volume at once, by replacing the link
// ..data.
func Read(path string) (Files, error) {
	// Without O_NONBLOCK the open of a FIFO would wait for its writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, syscall.ENXIO): // a socket, or a device without a driver (open(2))
		return nil, refuse(path, notRegular)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("reading the configuration: %w: %s", err, letAgentRead)
	case err != nil:
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	defer f.Close()
	// The open file is asked, not the path: the kubelet may have swapped the
	// ..data symlink in between.
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the configuration: %w", err)
	case info.IsDir():
		return readDirectory(path)
	}
	file := readOpen(path, f, maxSize, tooLarge)
	return Files{file}, file.Err
}

// readOpen reads an open file. More than limit bytes are a fault.
func readOpen(name string, f *os.File, limit int, tooMany fault) File {
	file := File{Name: name}
	file.Info, file.Err = f.Stat()
	switch {
	case file.Err != nil:
	case !file.Info.Mode().IsRegular():
		file.Err = refuse(name, notRegular)
	default:
		file.Data, file.Err = io.ReadAll(io.LimitReader(f, int64(limit)+1))
		if file.Err == nil && len(file.Data) > limit {
			file.Data, file.Err = nil, refuse(name, tooMany)
		}
	}
	var refusal *Refusal
	if file.Err != nil && !errors.As(file.Err, &refusal) {
		file.Err = fmt.Errorf("reading the configuration: %w", file.Err)
	}
	return file
}

// letAgentRead is the remedy for a file without the permission to read it.
const letAgentRead = "let the user of the agent read the file"

var (
	notRegular = fault{
		"is not a regular file",
		`mount the key "config" of the ConfigMap as this file`,
	}
	tooLarge = fault{"is over 1 MiB, more than a ConfigMap can hold", "write a shorter file"}
)

// CheckSize returns the problem of a file that is too large to be one of a
// ConfigMap, else nil.
func CheckSize(file string, size int) *Problem {
	if size <= maxSize {
		return nil
	}
	return &Problem{File: file, Reason: tooLarge.reason, Remedy: tooLarge.remedy}
}

// refuse returns the refusal of a file for one reason that lies in no line.
func refuse(file string, f fault) *Refusal {
	return &Refusal{Problems: []Problem{{File: file, Reason: f.reason, Remedy: f.remedy}}}
}
