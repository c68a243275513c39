// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// report is what a node printed: the lines of init.sh, which begin with "#vm",
// and between them the output of one test binary after the other.
type report struct {
	kernel   string
	packages []result
}

// failed says if a test binary failed, or no test ran at all.
func (r *report) failed() bool {
	tests := 0
	for _, p := range r.packages {
		if p.failed {
			return true
		}
		tests += p.passed + p.missed
	}
	return tests == 0
}

// read reads the output of a node and, at the end of each package, prints what
// go test prints, with the name of the node. An error means that the output ended
// too early.
func read(in io.Reader, out io.Writer, node string) (*report, error) {
	r := &report{}
	var current *collector
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		line = strings.ReplaceAll(line, "\r", "")
		words := strings.Fields(line)
		switch {
		case len(words) > 1 && words[0] == "#vm":
			switch words[1] {
			case "node":
				r.kernel = strings.Join(words[2:], " ")
			case "package":
				current = newCollector(strings.Join(words[2:], " "))
			case "status":
				if current == nil {
					return r, errors.New("a status without a package")
				}
				p := current.end(strings.Join(words[2:], " ") != "0")
				r.packages = append(r.packages, p)
				p.print(out, node)
				current = nil
			case "end":
				return r, nil
			}
		case current != nil:
			current.line(line)
		}
		if err != nil {
			if current != nil {
				p := current.end(true)
				r.packages = append(r.packages, p)
				p.print(out, node)
			}
			return r, errors.New("it ended before its tests did")
		}
	}
}

// print writes the output of the tests that failed, then the line of the
// package, in one piece: other nodes print to the same place.
func (p *result) print(out io.Writer, node string) {
	word, details := "ok  ", ""
	if p.failed {
		word, details = "FAIL", p.output
	}
	fmt.Fprintf(out, "%s%s\t%s: %s\t%.1fs\n", details, word, node, p.name, p.took.Seconds())
}

// result is what became of one package.
type result struct {
	name                  string
	passed, wrong, missed int // tests without subtests: passed, failed, skipped
	failed                bool
	output                string // what go test shows of a package that failed
	took                  time.Duration
}
