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

// envSuites names the folder that has, for each suite of Debian, a folder root
// with the extracted packages. Without it these tests are skipped.
const envSuites = "IP_MASQ_AGENT_TEST_SUITES"

// suites are those of make vm, by the version of iptables.
var suites = []struct{ version, name string }{
	{"1.8.7", "bullseye"},
	{"1.8.9", "bookworm"},
	{"1.8.11", "trixie"},
	{"1.8.13", "sid"},
}

// commands makes, for each version, a directory of commands that run it, with
// the libraries of its own suite, and returns the directories by version.
func commands(t testing.TB) map[string]string {
	t.Helper()
	folder := os.Getenv(envSuites)
	if folder == "" {
		t.Skipf("%s is not set: run make vm, which downloads the versions of iptables", envSuites)
	}
	dirs := map[string]string{}
	for _, s := range suites {
		dir, root := t.TempDir(), filepath.Join(folder, s.name, "root")
		// Debian's folder of libraries is named after the architecture.
		loaders, err := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu*/ld-linux*.so.*"))
		if err != nil || len(loaders) != 1 {
			t.Fatalf("looking for the dynamic loader of %s in %s: found %q, want one (%v)", s.name, root, loaders, err)
		}
		for _, backend := range []string{"iptables-nft", "iptables-legacy"} {
			for _, family := range []string{"IPv4", "IPv6"} {
				for _, verb := range [][]string{nil, {"save"}, {"restore"}} {
					write(t, dir, root, loaders[0], backend, netns.Command(backend, family, verb...))
				}
			}
		}
		for _, name := range []string{"iptables", "ip6tables"} {
			if err := os.Symlink(name+"-nft", filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		out, err := netns.Output(filepath.Join(dir, "iptables-nft"), "--version")
		if err != nil || strings.TrimSpace(out) != fmt.Sprintf("iptables v%s (nf_tables)", s.version) {
			t.Fatalf("the iptables of %s is %q, want version %s (%v); for newer packages remove %s", s.name, out, s.version, err, filepath.Dir(root))
		}
		dirs[s.version] = dir
	}
	return dirs
}

// write writes one command, iptables-nft-restore say: a script that runs the
// suite's program through the suite's own loader.
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
