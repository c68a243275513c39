// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// A row is what one node has run: a line of the table. The cells are in the
// order of columns.
type row []string

// columns are the heads of the table.
var columns = row{"suite", "kind", "architecture", "kernel", "iptables", "nft", "tests", "passed", "failed", "skipped", "seconds", "date"}

// nodeColumns is the number of columns, from the first on, that name the node.
const nodeColumns = 3

// testsColumn is the column that says which tests were run, or notRun.
const testsColumn = 6

const notRun = "not run"

// node names the node of a row.
func (r row) node() string { return strings.Join(r[:nodeColumns], " ") }

func (r row) String() string { return "| " + strings.Join(r, " | ") + " |\n" }

// parseRow parses a line of a table with that many columns.
func parseRow(line string, columns int) (row, bool) {
	line, ok := strings.CutPrefix(strings.TrimSpace(line), "| ")
	line, ok2 := strings.CutSuffix(line, " |")
	cells := row(strings.Split(line, " | "))
	return cells, ok && ok2 && len(cells) == columns
}

// row returns the row of a node. versions is a file with the version of each of
// its packages.
func (r *report) row(node [nodeColumns]string, tests, versions string, end time.Time, took time.Duration) (row, error) {
	version, err := readVersions(versions)
	if err != nil {
		return nil, err
	}
	var total result
	for _, p := range r.packages {
		total.passed += p.passed
		total.wrong += p.wrong
		total.missed += p.missed
	}
	kernel, _, _ := strings.Cut(r.kernel, "-")
	return append(row(node[:]), orNone(kernel), orNone(version["iptables"]), orNone(version["nftables"]), tests,
		fmt.Sprint(total.passed), fmt.Sprint(total.wrong), fmt.Sprint(total.missed),
		fmt.Sprintf("%.0f", took.Seconds()), end.UTC().Format(time.DateOnly)), nil
}

// orNone returns text, or a dash for an empty cell.
func orNone(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// readVersions reads the upstream version of each package, "1.8.11" of
// "iptables 1.8.11-2". Several versions of one package are separated by commas.
func readVersions(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, version, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		if i := strings.LastIndex(version, "-"); i > 0 {
			version = version[:i]
		}
		if before := versions[name]; before != "" {
			version = before + ", " + version
		}
		versions[name] = version
	}
	return versions, nil
}
