// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing wrong with a file, or one to warn of.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`  // from 1; 0: unknown
	Key    string `json:"key,omitempty"`   // as the file spells it; empty: the whole file
	Value  string `json:"value,omitempty"` // as the file writes it, shortened if long
	Reason string `json:"reason"`          // a predicate: "is a bare IP address"
	Remedy string `json:"remedy"`          // an imperative: "write 10.1.2.3/32"
}

// String returns the problem as one line that editors and terminals can follow
// to its place:
//
//	FILE:LINE: KEY: "VALUE" REASON: REMEDY
//
// without the parts that are unknown.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(bare(p.Key) + ": ")
	}
	if p.Value != "" {
		b.WriteString(strconv.Quote(p.Value) + " ")
	}
	b.WriteString(p.Reason + ": " + p.Remedy)
	return b.String()
}

// Refusal is the error of a file that is not to be used. It has one problem at
// least and lists them in line order.
type Refusal struct {
	Problems []Problem
}

// Error returns the problems, one a line.
func (r *Refusal) Error() string {
	lines := make([]string, len(r.Problems))
	for i, p := range r.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// fault is what can be said of a value without knowing where it stands.
type fault struct {
	reason, remedy string
}

const (
	// maxProblems bounds what one file can write into the log of every node. A file
	// within the default cidrLimit has all of its problems told.
	maxProblems = 100
	// maxQuoted is the most of a text that a message repeats, in bytes. The
	// longest CIDR has 43.
	maxQuoted = 80
)

// report gathers the problems of one configuration.
type report struct {
	files    []string // in the order in which they are read
	file     string   // that the next problem is in
	problems []Problem
	omitted  int // problems beyond maxProblems
}

// add adds a problem. A value that is a template has that as its problem.
func (r *report) add(line int, key, value string, f fault) {
	if unrendered.MatchString(value) {
		f = templateFault
	}
	if len(r.problems) == maxProblems {
		r.omitted++
		return
	}
	r.problems = append(r.problems, Problem{
		File: r.file, Line: line, Key: clip(key), Value: clip(value), Reason: f.reason, Remedy: f.remedy,
	})
}

func (r *report) empty() bool { return len(r.problems) == 0 }

// inOrder returns the problems in the order of files and lines and, after them,
// how many more there are.
func (r *report) inOrder() []Problem {
	list := slices.Clone(r.problems)
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(slices.Index(r.files, a.File), slices.Index(r.files, b.File)), cmp.Compare(a.Line, b.Line))
	})
	if r.omitted > 0 {
		list = append(list, Problem{
			File:   list[len(list)-1].File,
			Reason: fmt.Sprintf("and %d more", r.omitted),
			Remedy: "correct those above first",
		})
	}
	return list
}

// mention refers to a text of a file in a message about another one, which is in
// the current file. An empty file is none: a default.
func (p *parser) mention(text, file string, line int) string {
	text = strconv.Quote(clip(text))
	switch {
	case file != p.file && file != "":
		if line > 0 {
			file = fmt.Sprintf("%s:%d", file, line)
		}
		return text + " in " + file
	case line == 0:
		return text
	}
	return fmt.Sprintf("%s on line %d", text, line)
}

// clip shortens a text of the file for a message.
func clip(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	return strings.ToValidUTF8(s[:maxQuoted], "") + "…"
}

// bare quotes s unless it is a plain word.
func bare(s string) string {
	for _, r := range s {
		if r <= ' ' || r > '~' || r == '"' || r == ':' {
			return strconv.Quote(s)
		}
	}
	return s
}
