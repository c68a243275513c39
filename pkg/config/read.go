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

// maxSize is the most that is read of a file, in bytes: a ConfigMap may hold
// no more (Kubernetes documentation, "ConfigMaps").
const maxSize = 1 << 20

// Load reads and parses the file at path. A missing file is a file that leaves
// every key at its default: the ConfigMap is optional. Its results are those of
// [Parse], its other errors those of [Read].
func Load(path string, o Options) (Config, []Problem, error) {
	data, err := Read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Config{}, nil, err
	}
	return Parse(path, data, o)
}

// Read returns the content of the file at path, at most 1 MiB. The error of a
// missing file wraps [fs.ErrNotExist]; a larger file, and anything but a
// regular file, is a [*Refusal].
func Read(path string) ([]byte, error) {
	// Without O_NONBLOCK the open of a FIFO would wait for its writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, syscall.ENXIO): // a socket, or a device without a driver (open(2))
		return nil, refuse(path, notRegular)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("reading the configuration: %w: let the user of the agent read the file", err)
	case err != nil:
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	defer f.Close()
	// The open file is asked, not the path: the kubelet may have swapped the
	// ..data symlink in between.
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, refuse(path, notRegular)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if p := CheckSize(path, len(data)); p != nil {
		return nil, &Refusal{Problems: []Problem{*p}}
	}
	return data, nil
}

var notRegular = fault{
	"is not a regular file",
	`mount the key "config" of the ConfigMap as this file`,
}

// CheckSize returns the problem of a file that is too large to be one of a
// ConfigMap, else nil.
func CheckSize(file string, size int) *Problem {
	if size <= maxSize {
		return nil
	}
	return &Problem{File: file, Reason: "is over 1 MiB, more than a ConfigMap can hold", Remedy: "write a shorter file"}
}

// refuse returns the refusal of a file for one reason that lies in no line.
func refuse(file string, f fault) *Refusal {
	return &Refusal{Problems: []Problem{{File: file, Reason: f.reason, Remedy: f.remedy}}}
}
