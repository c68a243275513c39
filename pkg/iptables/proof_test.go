// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"

	"ip-masq-agent/pkg/netfilter"
)

// TestLegacyRunsOnlyRestore: a sync of iptables-legacy starts no process except the
// one that writes. It needs iptables-legacy-save, once, only for rules that the
// agent does not write. Each case begins with the right rules.
func TestLegacyRunsOnlyRestore(t *testing.T) {
	tests := []struct {
		name   string
		before string // restored before Apply
		after  string // restored by another program just after Apply's own restore
		saves  int
	}{
		{"nothing to write", "", "", 0},
		{"chain flushed", "-F IP-MASQ", "", 0},
		{"rules added and changed", "-I IP-MASQ -j RETURN\n-I IP-MASQ -d 10.0.0.0/8 -j ACCEPT", "", 1},
		{"jump deleted", "-D POSTROUTING 1", "", 0},
		{"second jump", "-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ", "", 1},
		{"all deleted", "-D POSTROUTING 1\n-F IP-MASQ\n-X IP-MASQ", "", 0},
		{"another writer", "-F IP-MASQ", ":OTHER - [0:0]", 0},
		{"another writer flushes", "-D POSTROUTING 1", "-F IP-MASQ", 0},
	}
	for _, family := range []string{"IPv4", "IPv6"} {
		for _, tt := range tests {
			if family == "IPv6" && strings.Contains(tt.before, "10.0.0.0") {
				continue
			}
			t.Run(tt.name+"/"+family, func(t *testing.T) {
				netns.Require(t, netns.Command("iptables-legacy", family))
				netns.Run(t, func(t *testing.T) {
					n, c := NewNAT(familyOf(family), Legacy), wanted(family)
					apply := func() netfilter.Report {
						t.Helper()
						report, err := n.Apply(t.Context(), c)
						if err != nil {
							t.Fatal(err)
						}
						return report
					}
					apply()
					netns.Restore(t, "iptables-legacy", family, "*nat\n"+tt.before+"\nCOMMIT\n")
					dir := spies(t, family, tt.after)
					n.path = filepath.Join(dir, netns.Command("iptables-legacy", family))
					report := apply()
					if report.Rules != len(c.Rules) {
						t.Errorf("the report has %d rules, want %d", report.Rules, len(c.Rules))
					}
					calls, _ := os.ReadFile(filepath.Join(dir, "calls"))
					if got := strings.Count(string(calls), "save"); got != tt.saves {
						t.Errorf("iptables-legacy-save ran %d times, want %d: %q", got, tt.saves, calls)
					}
					if got, err := n.Change(); got != netfilter.PerhapsUnchanged || err != nil {
						t.Errorf("Change() = %v, %v", got, err)
					}
					if again := apply(); again.WroteChain || again.WroteJump {
						t.Errorf("the rules were not right: %+v", again)
					}
				})
			})
		}
	}
}

// spies makes commands that write down each call. The first restore is followed
// by one of another program, if after is not empty.
func spies(t *testing.T, family, after string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	command := netns.Command("iptables-legacy", family)
	if err := os.WriteFile(filepath.Join(dir, command), []byte("#!/bin/sh\n"), 0o755); err != nil { // where it is, the others are
		t.Fatal(err)
	}
	for _, action := range []string{"save", "restore"} {
		name := command + "-" + action
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		script := fmt.Sprintf("#!/bin/sh\necho %s >>%s/calls\n%s \"$@\" || exit\n", action, dir, path)
		if action == "restore" && after != "" {
			script += fmt.Sprintf("[ -e %[1]s/once ] && exit\ntouch %[1]s/once\nprintf '*nat\\n%[2]s\\nCOMMIT\\n' | %[3]s --noflush\n", dir, after, path)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}
