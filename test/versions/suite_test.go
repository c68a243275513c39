// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package versions_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// envSuites is the directory that has, for each Debian suite, a directory root
// with the extracted packages. Without it the tests are skipped.
const envSuites = "IP_MASQ_AGENT_TEST_SUITES"

// suites are the suites of make vm, oldest first. Each has another version of
// iptables: 1.8.7, 1.8.9, 1.8.11 and the newest one, which was 1.8.13 in
// November 2026.
var suites = []string{"bullseye", "bookworm", "trixie", "sid"}

// commands makes, for each suite, a directory with commands that run the
// suite's version with its libraries, and returns the directories by suite.
func commands(t testing.TB) map[string]string {
	t.Helper()
	folder := os.Getenv(envSuites)
	if folder == "" {
		t.Skipf("%s is not set: run make vm, which downloads the versions of iptables", envSuites)
	}
	dirs := map[string]string{}
	for _, s := range suites {
		dir, root := t.TempDir(), filepath.Join(folder, s, "root")
		// Debian's library directory is named after the architecture.
		loaders, err := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu*/ld-linux*.so.*"))
		if err != nil || len(loaders) != 1 {
			t.Fatalf("searching the dynamic loader of %s in %s: found %q, want one (%v)", s, root, loaders, err)
		}
		for _, backend := range []string{"iptables-nft", "iptables-legacy"} {
			for _, family := range []string{"IPv4", "IPv6"} {
				for _, suffix := range [][]string{nil, {"save"}, {"restore"}} {
					write(t, dir, root, loaders[0], backend, netns.Command(backend, family, suffix...))
				}
			}
		}
		for _, name := range []string{"iptables", "ip6tables"} {
			if err := os.Symlink(name+"-nft", filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		out, err := netns.Output(filepath.Join(dir, "iptables-nft"), "--version")
		if version := strings.TrimSpace(out); err != nil || !strings.HasPrefix(version, "iptables v") || !strings.HasSuffix(version, " (nf_tables)") {
			t.Fatalf("the version of the iptables of %s is %q, want iptables v... (nf_tables) (%v)", s, out, err)
		}
		dirs[s] = dir
	}
	return dirs
}

// write creates a script for one command, for example iptables-nft-restore,
// that runs the suite's program with the suite's loader.
func write(t testing.TB, dir, root, loader, backend, command string) {
	t.Helper()
	lib := filepath.Dir(loader)
	multi := strings.Replace(backend, "iptables", "xtables", 1) + "-multi"
	applet := strings.Replace(command, strings.TrimPrefix(backend, "iptables"), "", 1)
	script := fmt.Sprintf("#!/bin/sh\nXTABLES_LIBDIR=%s/xtables exec %s --library-path %s %s %s \"$@\"\n",
		lib, loader, lib, filepath.Join(root, "usr/sbin", multi), applet)
	if err := os.WriteFile(filepath.Join(dir, command), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
}
