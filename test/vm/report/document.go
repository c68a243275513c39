// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"fmt"
	"os"
	"strings"
)

// pairs is the node of the row of test/versions, which runs on this machine.
const pairs = "each pair full amd64"

// planColumns are the heads of the table of the file tests.
var planColumns = row{"tests", "kind", "package", "`go test -run`"}

// document is docs/tested.md.
type document struct {
	nodes []string // suite, kind and architecture
	plan  []row    // the lines of the file tests
	rows  []row    // at most one for each node
}

// String returns the document.
func (d document) String() string {
	var b strings.Builder
	b.WriteString(`# Tested kernels, versions and architectures

<!-- Written by: make vm ALL=1 TABLE=docs/tested.md. Do not edit: a test compares it with test/vm. -->

` + "`sudo make vm ALL=1 TABLE=docs/tested.md`" + ` wrote this page. It boots each node below in QEMU with the kernel, iptables
and nft of a suite of Debian, and runs the project's kernel tests on it. A run of some nodes (` + "`SUITE=trixie`" + `, say)
replaces the rows of these nodes only, hence the date in each row. The last row is each version of iptables reading and
repairing the rules of each other version, on the kernel of the machine that ran this.

`)
	b.WriteString(head(columns))
	for _, node := range append(d.nodes, pairs) {
		b.WriteString(d.row(node).String())
	}
	b.WriteString(`
- **kind**: ` + "`full`" + ` has all netfilter modules of the kernel. ` + "`el10`" + ` lacks ` + "`nft_compat`, `xt_*` and `ip_tables`" + `, like
  the cloud images of RHEL 10, so iptables cannot hold the agent's rules and the agent uses its own nftables table.
- **architecture**: s390x is big-endian.
- **tests**: which rows of the next table were run, or ` + "`not run`" + `. Tests of both families and several backends count once for each.
- **skipped**: the node lacks what the test needs, and the test says what.

## Which tests

`)
	b.WriteString(head(planColumns))
	for _, r := range d.plan {
		b.WriteString(r.String())
	}
	return b.String()
}

// row returns the row of a node, which says so if the node was not run.
func (d document) row(node string) row {
	for _, r := range d.rows {
		if r.node() == node {
			return r
		}
	}
	r := make(row, len(columns))
	for i := range r {
		r[i] = orNone("")
	}
	// The suite of pairs has two words.
	words := strings.Fields(node)
	copy(r, append([]string{strings.Join(words[:len(words)-nodeColumns+1], " ")}, words[len(words)-nodeColumns+1:]...))
	r[testsColumn] = notRun
	return r
}

// head returns the head of a table.
func head(columns row) string {
	return columns.String() + "|" + strings.Repeat("---|", len(columns)) + "\n"
}

// replace replaces the rows of the nodes that ran.
func (d *document) replace(rows []row) {
	for _, r := range rows {
		kept := []row{r}
		for _, old := range d.rows {
			if old.node() != r.node() {
				kept = append(kept, old)
			}
		}
		d.rows = kept
	}
}

// readDocument reads the rows of a document, which may be missing, and the
// files that say what the other rows are.
func readDocument(file, nodes, plan string) (document, error) {
	var d document
	lines, err := readLines(nodes)
	if err != nil {
		return d, err
	}
	for _, l := range lines {
		d.nodes = append(d.nodes, strings.Join(strings.Fields(l)[1:], " "))
	}
	if lines, err = readLines(plan); err != nil {
		return d, err
	}
	for _, l := range lines {
		r := row(strings.Fields(l))
		if len(r) != len(planColumns) {
			return d, fmt.Errorf("%s: %d words, want %d: %s", plan, len(r), len(planColumns), l)
		}
		last := len(r) - 1
		r[last] = "`" + strings.ReplaceAll(r[last], "|", `\|`) + "`"
		d.plan = append(d.plan, r)
	}
	d.rows, err = readRows(file)
	if os.IsNotExist(err) {
		err = nil
	}
	return d, err
}

// readRows reads the rows of a table of nodes.
func readRows(file string) ([]row, error) {
	lines, err := readLines(file)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, l := range lines {
		if r, ok := parseRow(l, len(columns)); ok && r.node() != columns.node() && r[testsColumn] != notRun {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// readLines reads the lines of a file that are neither empty nor comments.
func readLines(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines, nil
}
