// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// Backend is one of the two rule sets that iptables can write, named like its
// command, see xtables-nft(8). A kernel may hold rules in both; all of them are
// in force.
type Backend string

// The backends.
const (
	NFT    Backend = "iptables-nft"
	Legacy Backend = "iptables-legacy"
)

// Command returns the backend's command for a family: iptables-nft,
// ip6tables-nft and so on.
func (b Backend) Command(f netfilter.Family) string {
	return strings.Replace(string(b), "iptables", plainName(f), 1)
}

// plainName returns the family's command without a backend, see iptables(8).
func plainName(f netfilter.Family) string {
	if f == netfilter.IPv6 {
		return "ip6tables"
	}
	return "iptables"
}

// Usable returns why a backend's command cannot be used for a family: it is
// missing, or does not tell its version. A missing kernel module or capability
// does not make it unusable; Apply reports that, and it may come.
//
// A program that has the backend in its name is not run: that would take as long
// as the first write, whose error says the same. A script may be anything.
func Usable(ctx context.Context, b Backend, f netfilter.Family) error {
	path, err := find(ctx, b, f)
	if err != nil || filepath.Base(path) == b.Command(f) && !isScript(path) {
		return err
	}
	_, err = run(ctx, "", path, "--version")
	return err
}

// isScript reports whether a file begins as a script does, or cannot be read.
func isScript(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	start := make([]byte, 2)
	_, err = f.Read(start)
	return err != nil || string(start) == "#!"
}

// Find returns why a backend has no command for a family, nil if it has one. It
// starts a process only if none has the backend in its name.
func Find(ctx context.Context, b Backend, f netfilter.Family) error {
	_, err := find(ctx, b, f)
	return err
}

// find returns the path of a backend's command: the one that has the backend in
// its name, or else plain iptables if that is of this backend, as before 1.8.
// The former is never a wrapper script. Those need a writable root, and one
// drops the standard input of its first call.
func find(ctx context.Context, b Backend, f netfilter.Family) (string, error) {
	path, err := exec.LookPath(b.Command(f))
	if err == nil {
		return path, nil
	}
	if path, plain := plainCommand(ctx, f); plain == b {
		return path, nil
	}
	return "", fmt.Errorf("%w: install the package iptables", err)
}

// Plain returns the backend of the command iptables, empty if there is none.
func Plain(ctx context.Context) Backend {
	_, backend := plainCommand(ctx, netfilter.IPv4)
	return backend
}

// plainCommand returns the command without a backend in its name, and its
// backend: by the program that it links to, or else by what it prints, which is
// "iptables v1.8.9 (nf_tables)", "(legacy)", or before 1.8 nothing.
func plainCommand(ctx context.Context, f netfilter.Family) (string, Backend) {
	path, err := exec.LookPath(plainName(f))
	if err != nil {
		return "", ""
	}
	if b := linkedTo(path); b != "" {
		return path, b
	}
	version, err := run(ctx, "", path, "--version")
	switch {
	case err != nil:
		return "", ""
	case strings.Contains(version, "nf_tables"):
		return path, NFT
	}
	return path, Legacy
}

// linkedTo returns the backend of the program of iptables that a command is a
// link to, empty if it is none.
func linkedTo(path string) Backend {
	program, _ := filepath.EvalSymlinks(path) // what cannot be followed is run
	switch filepath.Base(program) {
	case "xtables-nft-multi":
		return NFT
	case "xtables-legacy-multi":
		return Legacy
	}
	return ""
}
