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

// Backend is one of the two backends of iptables, with the name of its command, see
// xtables-nft(8). A kernel may hold rules in both; all of them are in force.
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

// plainName returns the name of the family's command without a backend, see
// iptables(8).
func plainName(f netfilter.Family) string {
	if f == netfilter.IPv6 {
		return "ip6tables"
	}
	return "iptables"
}

// Usable returns why the command of a backend cannot be used for a family: it is
// missing, or does not print its version. A missing kernel module or capability
// does not make it unusable, because that may change; Apply reports it.
//
// Usable does not run a program that has the backend in its name, because that
// takes as long as the first write. If the first write fails, [Runs] tells whether
// the program runs at all. Usable runs a script, which may be a wrapper of anything.
func Usable(ctx context.Context, b Backend, f netfilter.Family) error {
	path, err := find(ctx, b, f)
	if err == nil && (filepath.Base(path) != b.Command(f) || isScript(path)) {
		_, err = version(ctx, path)
	}
	return err
}

// Runs returns why the command of a backend does not print its version, and nil if
// it does. A program does not run if a library is missing, or if it is for another
// architecture.
func Runs(ctx context.Context, b Backend, f netfilter.Family) error {
	path, err := find(ctx, b, f)
	if err == nil {
		_, err = version(ctx, path)
	}
	return err
}

// version returns what a command prints for --version.
func version(ctx context.Context, path string) (string, error) {
	return run(ctx, "", path, "--version")
}

// isScript reports whether a file begins with "#!" or cannot be read.
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

// Find returns why a backend has no command for a family, and nil if it has one. It
// starts a process only if no command has the backend in its name.
func Find(ctx context.Context, b Backend, f netfilter.Family) error {
	_, err := find(ctx, b, f)
	return err
}

// find returns the path of the command of a backend: the command that has the
// backend in its name, or else plain iptables if it uses the backend, as before
// 1.8. Distributions install wrapper scripts only as plain iptables. They need a
// writable root, and one drops the standard input of its first call.
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

// Plain returns the backend of the command iptables; empty if there is no such
// command.
func Plain(ctx context.Context) Backend {
	_, backend := plainCommand(ctx, netfilter.IPv4)
	return backend
}

// plainCommand returns the command without a backend in its name, and its backend.
// The backend is that of the program to which the command is a link, or else in
// its version: "iptables v1.8.9 (nf_tables)" or "(legacy)", and before 1.8 nothing.
func plainCommand(ctx context.Context, f netfilter.Family) (string, Backend) {
	path, err := exec.LookPath(plainName(f))
	if err != nil {
		return "", ""
	}
	if b := linkedTo(path); b != "" {
		return path, b
	}
	text, err := version(ctx, path)
	switch {
	case err != nil:
		return "", ""
	case strings.Contains(text, "nf_tables"):
		return path, NFT
	}
	return path, Legacy
}

// linkedTo returns the backend of the program to which a command is a link; empty if
// that is not a program of iptables.
func linkedTo(path string) Backend {
	program, _ := filepath.EvalSymlinks(path) // on an error the caller runs the command
	switch filepath.Base(program) {
	case "xtables-nft-multi":
		return NFT
	case "xtables-legacy-multi":
		return Legacy
	}
	return ""
}
