// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ip-masq-agent/pkg/config"
)

// reading is what one look at the file found.
type reading struct {
	made bool // false: the zero reading, before the first
	data []byte
	err  error
	info fs.FileInfo // of the file that has the name just after it was read
}

// read reads the file once.
func read(path string) reading {
	r := reading{made: true}
	r.data, r.err = config.Read(path)
	r.info, _ = os.Stat(path) // nil if it is gone
	return r
}

// same tells whether both readings found the same content, or the same error.
func (r reading) same(o reading) bool {
	return r.made == o.made && bytes.Equal(r.data, o.data) && text(r.err) == text(o.err)
}

// sameFile tells whether both readings found the same file, whatever was in it.
func (r reading) sameFile(o reading) bool {
	return os.SameFile(r.info, o.info) // nil is no file
}

// rewrittenSince tells whether the file was written after another reading of it.
func (r reading) rewrittenSince(o reading) bool {
	return r.sameFile(o) && !r.info.ModTime().Equal(o.info.ModTime())
}

// blank tells whether the reading leaves everything to the defaults: there is no
// file, or nothing but comments in it.
func (r reading) blank() bool {
	if r.err != nil {
		return r.missing()
	}
	for line := range strings.Lines(string(r.data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && line != "---" {
			return false
		}
	}
	return true
}

// missing tells that there is no file.
func (r reading) missing() bool { return errors.Is(r.err, fs.ErrNotExist) }

// maxOtherFiles is the maximum number of files that a warning names.
const maxOtherFiles = 10

// otherFiles lists the files beside path, without those whose names begin with a
// dot, which in a volume are the kubelet's own.
func otherFiles(path string) []string {
	entries, _ := os.ReadDir(filepath.Dir(path)) // what cannot be read has no names
	names := []string{}
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".") && name != filepath.Base(path) && len(names) < maxOtherFiles {
			names = append(names, name)
		}
	}
	return names
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
