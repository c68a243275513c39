// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netns

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// IPTables runs one command on the nat table and returns its output:
// IPTables(t, "iptables-nft", "IPv4", "-S", "POSTROUTING"). The test fails if
// the command does.
func IPTables(t testing.TB, backend, family string, args ...string) string {
	t.Helper()
	return execute(t, "", Command(backend, family), append([]string{"-w", "5", "-t", "nat"}, args...)...)
}

// List returns the lines of "iptables -t nat -S chain", or nil if the chain
// does not exist.
func List(t testing.TB, backend, family, chain string) []string {
	t.Helper()
	out, err := exec.Command(Command(backend, family), "-w", "5", "-t", "nat", "-S", chain).Output()
	if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() == 1 {
		return nil
	}
	if err != nil {
		t.Fatalf("%s -t nat -S %s: %v", Command(backend, family), chain, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// Restore runs iptables-restore --noflush with rules as its input.
func Restore(t testing.TB, backend, family, rules string) {
	t.Helper()
	execute(t, rules, Command(backend, family, "restore"), "-w", "5", "--noflush")
}

// Save returns the nat table as iptables-save prints it, without comments and
// with all counters zero, so that two dumps differ only if the rules differ.
func Save(t testing.TB, backend, family string) string {
	t.Helper()
	return SaveTable(t, backend, family, "nat")
}

// SaveTable is [Save] for any table. With iptables-legacy it creates the table.
func SaveTable(t testing.TB, backend, family, table string) string {
	t.Helper()
	return clean(execute(t, "", Command(backend, family, "save"), "-t", table))
}

var (
	comments = regexp.MustCompile(`(?m)^#.*\n`)
	counters = regexp.MustCompile(`(?m)^(:\S+ \S+) \[\d+:\d+\]$`)
)

func clean(dump string) string {
	return counters.ReplaceAllString(comments.ReplaceAllString(dump, ""), "$1 [0:0]")
}

// Feed runs a command with an input and returns its standard output. The test
// fails if the command does.
func Feed(t testing.TB, input, name string, args ...string) string {
	t.Helper()
	return execute(t, input, name, args...)
}

// execute runs a command and returns its standard output. The test fails if the
// command does.
func execute(t testing.TB, stdin, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := output(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// LegacyTables returns the names of the tables of iptables-legacy in this
// namespace. Unlike a call of iptables-legacy it creates no table.
func LegacyTables(t testing.TB, family string) []string {
	t.Helper()
	file := "/proc/net/ip_tables_names"
	if family == "IPv6" {
		file = "/proc/net/ip6_tables_names"
	}
	names, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatalf("reading the legacy tables: %v", err)
	}
	return strings.Fields(string(names))
}
