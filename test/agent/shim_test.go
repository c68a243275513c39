// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// shims is a directory of commands that precede the iptables commands in the
// agent's PATH. Each of them records its call, runs the script that the test
// has set, and then executes the real command.
type shims struct {
	dir string
}

// shim creates shims for the commands of the node's backend.
func (n *node) shim() *shims {
	n.t.Helper()
	s := &shims{dir: n.t.TempDir()}
	for _, backend := range []string{"iptables-nft", "iptables-legacy"} {
		for _, family := range []string{"IPv4", "IPv6"} {
			for _, suffix := range [][]string{nil, {"save"}, {"restore"}} {
				s.add(n.t, netns.Command(backend, family, suffix...))
			}
		}
		s.add(n.t, strings.Replace(backend, "ip", "x", 1)+"-multi")
	}
	for _, name := range []string{"iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore"} {
		s.add(n.t, name)
	}
	n.env = append(n.env, "PATH="+s.dir+":"+os.Getenv("PATH"))
	return s
}

func (s *shims) add(t testing.TB, name string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		return // not installed, so the agent cannot run it
	}
	script := fmt.Sprintf("#!/bin/sh\necho %[1]s \"$@\" >>%[2]s/calls\n[ ! -e %[2]s/%[1]s.do ] || . %[2]s/%[1]s.do\nexec %[3]s \"$@\"\n", name, s.dir, path)
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
}

// before makes every call of the command name run script first, for example
// "exit 4" or "sleep 5", until undo is called.
func (s *shims) before(t testing.TB, name, script string) (undo func()) {
	t.Helper()
	file := filepath.Join(s.dir, name+".do")
	// Rename the file, so that no shell reads an incomplete one.
	if err := os.WriteFile(file+".tmp", []byte(script+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	rename(t, file+".tmp", file)
	return func() {
		if err := os.Remove(file); err != nil {
			t.Error(err)
		}
	}
}

// hide removes the command until undo is called.
func (s *shims) hide(t testing.TB, name string) (undo func()) {
	t.Helper()
	file := filepath.Join(s.dir, name)
	rename(t, file, file+".hidden")
	return func() { rename(t, file+".hidden", file) }
}

func rename(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Error(err)
	}
}

// calls returns the commands that ran so far, with their arguments.
func (s *shims) calls(t testing.TB) []string {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(s.dir, "calls"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.FieldsFunc(string(log), func(r rune) bool { return r == '\n' })
}

// writes returns the number of calls so far that change a table.
func (s *shims) writes(t testing.TB) int {
	t.Helper()
	n := 0
	for _, call := range s.calls(t) {
		words := strings.Fields(call)
		if strings.Contains(words[0], "-multi") && len(words) > 1 {
			words = words[1:]
		}
		restores := strings.HasSuffix(words[0], "restore") && !slices.Contains(words, "--version") && !slices.Contains(words, "-V")
		if restores || slices.ContainsFunc(words, changes) {
			n++
		}
	}
	return n
}

// changes reports whether an option of iptables is a command that writes.
func changes(option string) bool {
	return slices.Contains([]string{"-A", "-D", "-E", "-F", "-I", "-N", "-P", "-R", "-X", "-Z"}, option)
}
