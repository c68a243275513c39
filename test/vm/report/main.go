// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Command report reads what a node of make vm prints while it runs the tests,
// prints it as go test would, and appends the node's row to a table. It exits
// with 1 if a test failed, or if the node ended before its tests did.
//
//	node.sh ... | report -suite trixie -kind full -arch amd64 -tests all -versions FILE -table TABLE
//
// It also prints the table, and writes it into a document, in which the rows of
// other nodes stay.
//
//	report -print TABLE
//	report -print TABLE -document docs/tested.md -nodes test/vm/nodes -plan test/vm/tests
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	suite := flag.String("suite", "", "Debian `suite` of the node")
	kind := flag.String("kind", "", "`kind` of the node")
	arch := flag.String("arch", "", "`architecture` of the node")
	tests := flag.String("tests", "", "which tests the node runs: default or all")
	versions := flag.String("versions", "", "`file` with the version of each package of the node")
	table := flag.String("table", "", "`file` to append the row to")
	show := flag.String("print", "", "print the table in `file`, and read no node")
	page := flag.String("document", "", "write the table into this `file` instead of printing it")
	nodes := flag.String("nodes", "", "`file` that lists the nodes of the document")
	plan := flag.String("plan", "", "`file` that lists the tests of the document")
	flag.Parse()

	var err error
	if *show != "" {
		err = publish(*show, *page, *nodes, *plan)
	} else {
		err = follow([nodeColumns]string{*suite, *kind, *arch}, *tests, *versions, *table)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// follow reads what a node prints, and appends its row to table.
func follow(node [nodeColumns]string, tests, versions, table string) error {
	begin := time.Now()
	name := strings.Join(node[:], " ")
	r, err := read(os.Stdin, os.Stdout, name)
	row, rowErr := r.row(node, tests, versions, time.Now(), time.Since(begin))
	if rowErr == nil {
		rowErr = appendTo(table, row.String())
	}
	switch {
	case err != nil:
		return fmt.Errorf("node %s: %w", name, err)
	case rowErr != nil:
		return fmt.Errorf("writing the row of node %s: %w", name, rowErr)
	case r.failed():
		return fmt.Errorf("node %s: tests failed", name)
	}
	return nil
}

// publish prints the rows of table, or writes them into the file page.
func publish(table, page, nodes, plan string) error {
	rows, err := readRows(table)
	if err != nil {
		return err
	}
	if page == "" {
		fmt.Print(head(columns))
		for _, r := range rows {
			fmt.Print(r)
		}
		return nil
	}
	d, err := readDocument(page, nodes, plan)
	if err != nil {
		return err
	}
	d.replace(rows)
	return os.WriteFile(page, []byte(d.String()), 0o644)
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
