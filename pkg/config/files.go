// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
)

// File is one file of a configuration.
type File struct {
	Name string
	Data []byte
	// Info is the file's metadata from just before it was read; nil if it was not
	// read.
	Info fs.FileInfo
	// Skipped means that an entry of the directory is not a regular file.
	Skipped bool
	// Err is why a file of the directory could not be read.
	Err error
}

// Files are the files of a configuration: a single one, or those of a directory in
// name order. Without files every key has its default.
type Files []File

// Names returns the names of the files that are not skipped.
func (files Files) Names() []string {
	names := []string{}
	for _, f := range files {
		if !f.Skipped {
			names = append(names, f.Name)
		}
	}
	return names
}

// addReadError adds the problem of a file that could not be read.
func (p *parser) addReadError(err error) {
	var invalid *InvalidError
	if errors.As(err, &invalid) {
		for _, problem := range invalid.Problems {
			p.problems.add(problem.Line, problem.Key, problem.Value, message{problem.Reason, problem.Remedy})
		}
		return
	}
	m := message{"cannot be read (" + shorten(err.Error()) + ")", "correct it or remove it from the directory"}
	if errors.Is(err, fs.ErrPermission) {
		m.remedy = fixPermission
	}
	p.problems.add(0, "", "", m)
}

// Origins are the lines of the networks of a configuration. Defaults have none.
type Origins struct {
	Destinations map[netip.Prefix]Origin // of nonMasqueradeCIDRs and masqueradeCIDRs
	Sources      map[netip.Prefix]Origin // of sourceCIDRs
}

// Origin is a line of a file.
type Origin struct {
	File string
	Line int // from 1; 0: unknown
}

// String returns FILE:LINE, and the empty string for no file.
func (o Origin) String() string {
	if o.Line == 0 {
		return o.File
	}
	return fmt.Sprintf("%s:%d", o.File, o.Line)
}

// origins returns the lines of all networks that are not defaults.
func (p *parser) origins() Origins {
	return Origins{Destinations: origins(p.nonMasquerade, p.masquerade), Sources: origins(p.source)}
}

func origins(lists ...cidrList) map[netip.Prefix]Origin {
	origins := map[netip.Prefix]Origin{}
	for _, l := range lists {
		for _, n := range l.networks {
			if n.file != "" {
				origins[n.prefix] = Origin{n.file, n.line}
			}
		}
	}
	return origins
}
