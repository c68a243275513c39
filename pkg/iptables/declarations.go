// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import "bytes"

// declarations takes what iptables-save prints and keeps which table has which
// chains. The rules, of which there may be tens of MiB, go by.
type declarations struct {
	table  string
	chains map[string][]string // tables by chain
	rest   []byte              // a line whose end has not come yet
}

// Write is part of io.Writer.
func (d *declarations) Write(p []byte) (int, error) {
	d.rest = append(d.rest, p...)
	for {
		line, rest, whole := bytes.Cut(d.rest, []byte("\n"))
		if !whole {
			break
		}
		d.line(line)
		d.rest = rest
	}
	d.rest = bytes.Clone(d.rest) // or what went by would be kept with it
	return len(p), nil
}

func (d *declarations) line(line []byte) {
	if len(line) == 0 {
		return
	}
	name, _, _ := bytes.Cut(line[1:], []byte(" "))
	switch line[0] {
	case '*':
		d.table = string(name)
	case ':':
		if d.chains == nil {
			d.chains = map[string][]string{}
		}
		d.chains[string(name)] = append(d.chains[string(name)], d.table)
	}
}

// where returns the table that has a chain: the one named, or else any; "" if
// there is none.
func (d *declarations) where(table, chain string) string {
	found := ""
	for _, t := range d.chains[chain] {
		if found != table {
			found = t
		}
	}
	return found
}
