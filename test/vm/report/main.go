// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Command report reads what a node of make vm prints while it runs the tests,
// prints it as go test would, and appends the node's row to a Markdown table.
// It exits with 1 if a test failed, or if the node ended before its tests did.
//
//	node.sh ... | report -suite trixie -kind full -versions FILE -table FILE
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	suite := flag.String("suite", "", "Debian `suite` of the node")
	kind := flag.String("kind", "", "`kind` of the node")
	versions := flag.String("versions", "", "`file` with the version of each package of the node")
	table := flag.String("table", "", "`file` to append the row to")
	flag.Parse()

	begin := time.Now()
	r, err := read(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: node %s %s: %v\n", *suite, *kind, err)
	}
	row, rowErr := r.row(*suite, *kind, *versions, time.Since(begin))
	if rowErr == nil {
		rowErr = appendTo(*table, row)
	}
	if rowErr != nil {
		fmt.Fprintf(os.Stderr, "error: writing the row of node %s %s: %v\n", *suite, *kind, rowErr)
	}
	if err != nil || rowErr != nil || r.failed() {
		os.Exit(1)
	}
}

func appendTo(file, line string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(line); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
