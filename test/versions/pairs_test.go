// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package versions_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// TestPairs starts an agent with one version of iptables on a node with rules
// that another version wrote. The agent leaves right rules unchanged. It
// repairs wrong rules, after which the other version lists what it would have
// written itself.
func TestPairs(t *testing.T) {
	for _, writer := range suites {
		for _, agent := range suites {
			t.Run(writer+"/"+agent, func(t *testing.T) {
				netns.Matrix(t, func(t *testing.T, backend, family string) {
					dirs := commands(t)
					t.Setenv("PATH", dirs[writer]+":"+os.Getenv("PATH"))
					testPair(t, backend, family, dirs[agent])
				})
			})
		}
	}
}

func testPair(t *testing.T, backend, family, agentPath string) {
	netns.Restore(t, backend, family, restorable(family))
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	agent := program.Start(t, program.Command([]string{"PATH=" + agentPath}, "--config="+file, "--backend="+backend,
		"--enable-ipv6", "--http-bind-address=", ports))

	agent.WaitLog("Synced rules", "family=\""+family, "wroteChain=false", "wroteJump=false")
	wait := func(after string) {
		t.Helper()
		program.Eventually(t, func() string {
			got := netns.List(t, backend, family, "IP-MASQ")
			jumps := slices.DeleteFunc(netns.List(t, backend, family, "POSTROUTING"), func(rule string) bool {
				return !strings.HasSuffix(rule, " -j IP-MASQ")
			})
			return prefix(after, cmp.Diff(chain(family), got)+cmp.Diff([]string{jump}, jumps))
		})
	}
	wait("the agent's start")
	for _, change := range []struct{ name, rules string }{
		{"a rule was deleted", "-D IP-MASQ 3"},
		{"a rule was added", "-A IP-MASQ -p udp -j RETURN"},
		{"a rule was replaced", "-R IP-MASQ 2 -d 198.51.100.0/24 -j RETURN"},
		{"the chain was flushed", "-F IP-MASQ"},
		{"the jump was deleted", strings.Replace(jump, "-A", "-D", 1)},
		{"a second jump was added", "-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ"},
	} {
		if family == "IPv6" {
			change.rules = strings.Replace(change.rules, "198.51.100.0/24", "2001:db8::/32", 1)
		}
		netns.Restore(t, backend, family, "*nat\n"+change.rules+"\nCOMMIT\n")
		wait(change.name)
	}
}

// prefix prepends the change that came before a difference.
func prefix(after, diff string) string {
	if diff == "" {
		return ""
	}
	return "after " + after + " (-want +got):\n" + diff
}
