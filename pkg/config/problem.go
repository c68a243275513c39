// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Problem is an error or a warning about one place of a file.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`  // from 1; 0: unknown
	Key    string `json:"key,omitempty"`   // as written; empty: the whole file
	Value  string `json:"value,omitempty"` // as written, shortened if long
	Reason string `json:"reason"`          // what is wrong, as a predicate: "is a bare IP address"
	Remedy string `json:"remedy"`          // the suggested fix, as an imperative: "write 10.1.2.3/32"
}

// String returns the problem as one line, in the form that editors and terminals
// turn into a link:
//
//	FILE:LINE: KEY: "VALUE" REASON: REMEDY
//
// Unknown parts are left out.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(quoteIfNeeded(p.Key) + ": ")
	}
	if p.Value != "" {
		b.WriteString(strconv.Quote(p.Value) + " ")
	}
	b.WriteString(p.Reason + ": " + p.Remedy)
	return b.String()
}

// InvalidError is the error of an invalid configuration. It has at least one
// problem.
type InvalidError struct {
	Problems []Problem // in the order of files and lines
}

// Error returns the problems, one per line.
func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// message is the text of a problem, without its place in the file.
type message struct {
	reason, remedy string
}

const (
	// maxProblems bounds what one file can write into the log of every node. It is
	// more than the default cidrLimit.
	maxProblems = 100
	// maxQuoted is the maximum number of bytes of the file that a message quotes.
	// The longest CIDR has 43.
	maxQuoted = 80
)

// problemList collects the problems of a configuration.
type problemList struct {
	files    []string // in the order in which they are read
	file     string   // the file of the next problem
	problems []Problem
	omitted  int // problems beyond maxProblems
}

// add adds a problem. If the key or the value is a template, the message says so instead.
func (l *problemList) add(line int, key, value string, m message) {
	if templateExpression.MatchString(value) || templateExpression.MatchString(key) {
		m = templateMessage
	}
	if len(l.problems) == maxProblems {
		l.omitted++
		return
	}
	l.problems = append(l.problems, Problem{
		File: l.file, Line: line, Key: shorten(key), Value: shorten(value), Reason: m.reason, Remedy: m.remedy,
	})
}

func (l *problemList) empty() bool { return len(l.problems) == 0 }

// sorted returns the problems in the order of files and lines. If problems were
// omitted, a last one gives their number.
func (l *problemList) sorted() []Problem {
	problems := slices.Clone(l.problems)
	sort.SliceStable(problems, func(i, j int) bool {
		a, b := problems[i], problems[j]
		return cmp.Or(cmp.Compare(slices.Index(l.files, a.File), slices.Index(l.files, b.File)), cmp.Compare(a.Line, b.Line)) < 0
	})
	if l.omitted > 0 {
		problems = append(problems, Problem{
			File:   problems[len(problems)-1].File,
			Reason: fmt.Sprintf("and %d more", l.omitted),
			Remedy: "correct those above first",
		})
	}
	return problems
}

// reference quotes a text of a file, and says where it is, for a message about the
// current file. An empty file means that the text is a default.
func (p *parser) reference(text, file string, line int) string {
	text = strconv.Quote(shorten(text))
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

// shorten truncates a text to maxQuoted bytes.
func shorten(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	return strings.ToValidUTF8(s[:maxQuoted], "") + "…"
}

// quoteIfNeeded quotes a key unless it is a plain word.
func quoteIfNeeded(s string) string {
	for _, r := range s {
		if r <= ' ' || r > '~' || r == '"' || r == ':' {
			return strconv.Quote(s)
		}
	}
	return s
}
