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
	// Info describes the file, just before it was read; nil if it was not.
	Info fs.FileInfo
	// Skipped tells that the entry of a directory is not a regular file.
	Skipped bool
	// Err is why the file of a directory cannot be used; nil if it was read.
	Err error
}

// Files are what a path holds: one file, or those of a directory in name order.
// None at all leaves every key at its default.
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

// unreadableFile reports why the current file could not be read.
func (p *parser) unreadableFile(err error) {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		for _, problem := range refusal.Problems {
			p.problems.add(problem.Line, problem.Key, problem.Value, fault{problem.Reason, problem.Remedy})
		}
		return
	}
	f := fault{"cannot be read (" + clip(err.Error()) + ")", "repair it or remove it from the directory"}
	if errors.Is(err, fs.ErrPermission) {
		f.remedy = letAgentRead
	}
	p.problems.add(0, "", "", f)
}

// Origins are where the networks of a configuration are written. A default is
// written nowhere.
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

// origins returns those of all networks that are not defaults.
func (p *parser) origins() Origins {
	return Origins{Destinations: origins(p.nonMasquerade, p.masquerade), Sources: origins(p.source)}
}

func origins(lists ...list) map[netip.Prefix]Origin {
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
