// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"testing"
)

func TestFailedLine(t *testing.T) {
	input := "*nat\n:X - [0:0]\n-A X -j BAD\nCOMMIT\n"
	for stderr, want := range map[string]string{
		"iptables-restore: line 3 failed":         ` (line 3 is "-A X -j BAD")`,
		"Error occurred at line: 3\nTry `-h'":     ` (line 3 is "-A X -j BAD")`,
		"line 4 failed: Chain does not exist.":    ` (line 4 is "COMMIT")`,
		"Another app is holding the xtables lock": "",
		"line 99 failed":                          "",
	} {
		if got := failedLine(stringError(stderr), input); got != want {
			t.Errorf("failedLine(%q) = %q, want %q", stderr, got, want)
		}
	}
}

func TestNeeds(t *testing.T) {
	for stderr, want := range map[string]string{
		"iptables-restore v1.8.9 (legacy): iptables-restore: unable to initialize table 'nat'\n": ": iptables-legacy needs the capabilities NET_ADMIN and NET_RAW, and the kernel modules of its nat table",
		"Fatal: can't open lock file /run/xtables.lock: Read-only file system\n":                 ": iptables-legacy needs the node's /run/xtables.lock: mount it as manifests/ip-masq-agent.yaml does",
		"Fatal: can't open lock file /run/xtables.lock: Permission denied\n":                     ": iptables-legacy needs the node's /run/xtables.lock: mount it as manifests/ip-masq-agent.yaml does",
		"Another app is currently holding the xtables lock. Stopped waiting after 5s.\n":         ": fuser -v /run/xtables.lock on the node shows which program holds the lock",
		"iptables-restore: line 3 failed\n":                                                      "",
	} {
		if got := needs(stringError(stderr)); got != want {
			t.Errorf("needs(%q) = %q, want %q", stderr, got, want)
		}
	}
}
