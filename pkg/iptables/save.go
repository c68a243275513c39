// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// saved parses the output of iptables-legacy-save. It is an io.Writer, so that the
// output, tens of MiB on a node with many Services, is never in memory as a whole.
type saved struct {
	// wants selects the chains of the nat table whose rules are stored; nil selects
	// none.
	wants func(chain string) bool

	tables map[string][]string // the chains of each table
	policy string              // of POSTROUTING in the nat table
	rules  map[string][]string // the rules of the selected chains, without "-A CHAIN "
	table  string
	rest   []byte // the start of an incomplete line
}

// Write implements io.Writer.
func (s *saved) Write(p []byte) (int, error) {
	s.rest = append(s.rest, p...)
	at := 0
	for {
		end := lineEnd(s.rest[at:])
		if end < 0 {
			break
		}
		s.line(s.rest[at : at+end])
		at += end + 1
	}
	s.rest = append(s.rest[:0], s.rest[at:]...)
	return len(p), nil
}

// lineEnd returns the index of the end of the first line, and -1 if the line is
// incomplete. A rule with a line break in its quoted comment is one line.
func lineEnd(b []byte) int {
	isRule := len(b) > 0 && (b[0] == '-' || b[0] == '[')
	quoted := false
	for i := 0; i < len(b); i++ {
		switch {
		case quoted && b[i] == '\\':
			i++
		case isRule && b[i] == '"':
			quoted = !quoted
		case b[i] == '\n' && !quoted:
			return i
		}
	}
	return -1
}

func (s *saved) line(line []byte) {
	if len(line) == 0 {
		return
	}
	name, _, _ := bytes.Cut(line[1:], []byte(" "))
	switch line[0] {
	case '*':
		s.table = string(name)
		if s.tables == nil {
			s.tables = map[string][]string{}
		}
		s.tables[s.table] = nil
	case ':':
		s.tables[s.table] = append(s.tables[s.table], string(name))
		if s.table == natTable && string(name) == postrouting {
			s.policy = strings.Fields(string(line) + " ACCEPT")[1]
		}
	case '[', '-':
		s.rule(line)
	}
}

// rule stores a rule, "[PACKETS:BYTES] -A CHAIN SPEC", as "-c PACKETS BYTES SPEC".
func (s *saved) rule(line []byte) {
	if s.table != natTable || s.wants == nil {
		return
	}
	counters, rest, found := bytes.Cut(line, []byte("-A "))
	chain, spec, _ := bytes.Cut(rest, []byte(" "))
	if !found || !s.wants(string(chain)) {
		return
	}
	if s.rules == nil {
		s.rules = map[string][]string{}
	}
	text := string(spec)
	if packets, bytes, ok := strings.Cut(strings.Trim(string(counters), "[] "), ":"); ok {
		text = "-c " + packets + " " + bytes + " " + text
	}
	s.rules[string(chain)] = append(s.rules[string(chain)], text)
}

// has reports whether a table has a chain.
func (s *saved) has(table, chain string) bool { return slices.Contains(s.tables[table], chain) }

// chain returns a chain of the nat table with its rules. It returns nil if there is
// none.
func (s *saved) chain(f netfilter.Family, name string) *netfilter.Chain {
	if !s.has(natTable, name) {
		return nil
	}
	c := &netfilter.Chain{Name: name}
	for _, spec := range s.rules[name] {
		c.Rules = append(c.Rules, parseRule(f, name, spec))
	}
	return c
}

// saveLegacy reads every table of iptables-legacy that exists.
func saveLegacy(ctx context.Context, f netfilter.Family, wants func(chain string) bool) (*saved, error) {
	tables, err := LegacyTables(f)
	if err == nil && len(tables) == 0 {
		return &saved{}, nil
	}
	return runSave(ctx, f, wants)
}

// saveNAT reads the nat table of iptables-legacy.
func saveNAT(ctx context.Context, f netfilter.Family, wants func(chain string) bool) (*saved, error) {
	tables, err := LegacyTables(f)
	switch {
	case err != nil:
		return runSave(ctx, f, wants)
	case !slices.Contains(tables, natTable):
		return &saved{}, nil // with its name, iptables-legacy-save would create it
	}
	return runSave(ctx, f, wants, "-t", natTable)
}

func runSave(ctx context.Context, f netfilter.Family, wants func(chain string) bool, args ...string) (*saved, error) {
	out := &saved{wants: wants}
	path, err := find(ctx, Legacy, f)
	if err != nil {
		return nil, fmt.Errorf("reading the %s tables of iptables-legacy: %w", f, err)
	}
	if err := runTo(ctx, out, "", path+"-save", append([]string{"-c"}, args...)...); err != nil {
		return nil, fmt.Errorf("reading the %s tables of iptables-legacy: %w%s", f, err, needs(err))
	}
	return out, nil
}

// LegacyTables returns the tables of iptables-legacy that exist, from
// /proc/net/ip_tables_names and ip6_tables_names, without a process. A kernel
// without iptables-legacy has none.
func LegacyTables(f netfilter.Family) ([]string, error) {
	file := "/proc/net/ip_tables_names"
	if f == netfilter.IPv6 {
		file = "/proc/net/ip6_tables_names"
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return strings.Fields(string(text)), err
}
