// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ip-masq-agent/pkg/config"
)

// reading is the result of reading the configuration once: a file, or the files of
// a directory.
type reading struct {
	made  bool // false: the zero reading, before the first
	files config.Files
	err   error
}

// read reads the configuration once.
func read(path string) reading {
	files, err := config.Read(path)
	return reading{made: true, files: files, err: err}
}

// same reports whether both readings found the same content, or the same errors.
func (r reading) same(o reading) bool {
	return r.made == o.made && text(r.err) == text(o.err) && slices.EqualFunc(r.files, o.files, func(a, b config.File) bool {
		return a.Name == b.Name && a.Skipped == b.Skipped && sameContent(a, b)
	})
}

func sameContent(a, b config.File) bool {
	return bytes.Equal(a.Data, b.Data) && text(a.Err) == text(b.Err)
}

// file returns the file of that name; false if there is none.
func (r reading) file(name string) (config.File, bool) {
	for _, f := range r.files {
		if f.Name == name && !f.Skipped {
			return f, true
		}
	}
	return config.File{}, false
}

// writtenInPlace reports whether a file has other content than in another reading
// and is still the same inode: its writer may not be done.
func (r reading) writtenInPlace(o reading) bool {
	return slices.ContainsFunc(r.files, func(f config.File) bool {
		before, found := o.file(f.Name)
		return found && sameFile(f, before) && (!sameContent(f, before) || text(r.err) != text(o.err))
	})
}

// rewrittenSince reports whether a file was written in place after another reading
// of it, even if its content is the same.
func (r reading) rewrittenSince(o reading) bool {
	return slices.ContainsFunc(r.files, func(f config.File) bool {
		before, found := o.file(f.Name)
		return found && sameFile(f, before) && !f.Info.ModTime().Equal(before.Info.ModTime())
	})
}

// sameFile reports whether both are the same inode.
func sameFile(a, b config.File) bool {
	return a.Info != nil && b.Info != nil && os.SameFile(a.Info, b.Info)
}

// lost returns the names of the files that had content in another reading and are
// missing or empty now.
func (r reading) lost(o reading) []string {
	var names []string
	for _, before := range o.files {
		if now, found := r.file(before.Name); !before.Skipped && !blank(before) && (!found || blank(now)) {
			names = append(names, before.Name)
		}
	}
	return names
}

// blank reports whether the reading leaves everything to the defaults: there is no
// file, or nothing but comments in any.
func (r reading) blank() bool {
	if r.err != nil {
		return r.missing()
	}
	return !slices.ContainsFunc(r.files, func(f config.File) bool { return !blank(f) })
}

// blank reports whether a file has nothing but comments.
func blank(f config.File) bool {
	if f.Err != nil {
		return false
	}
	for line := range strings.Lines(string(f.Data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && line != "---" {
			return false
		}
	}
	return true
}

// missing reports whether there is no file, or a directory without files.
func (r reading) missing() bool {
	return errors.Is(r.err, fs.ErrNotExist) || r.emptyDirectory()
}

func (r reading) emptyDirectory() bool { return r.err == nil && len(r.files.Names()) == 0 }

// hash returns the start of the SHA-256 of the files, one after the other.
func (r reading) hash() string {
	h := sha256.New()
	for _, f := range r.files {
		h.Write(f.Data)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

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
