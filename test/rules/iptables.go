// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
)

// Jump is the jump rule of the agent, as "iptables -S" prints it.
const Jump = `-A POSTROUTING -m comment --comment "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ chain" -m addrtype ! --dst-type LOCAL -j IP-MASQ`

// iptables is the chain IP-MASQ in the nat table, and the jump rule.
type iptables struct {
	backend, family string
}

func (r iptables) Differ(t testing.TB, chain []string) string {
	t.Helper()
	if diff := cmp.Diff(chain, netns.List(t, r.backend, r.family, "IP-MASQ")); diff != "" {
		return "chain (-want +got):\n" + diff
	}
	if diff := cmp.Diff([]string{Jump}, r.jumps(t)); diff != "" {
		return "jumps (-want +got):\n" + diff
	}
	return ""
}

// jumps returns the rules of POSTROUTING that lead to the agent's chain.
func (r iptables) jumps(t testing.TB) []string {
	t.Helper()
	return slices.DeleteFunc(netns.List(t, r.backend, r.family, "POSTROUTING"), func(rule string) bool {
		return !strings.HasSuffix(rule, " -j IP-MASQ")
	})
}

// Exist runs iptables only if the nat table exists, because iptables-legacy
// would create it.
func (r iptables) Exist(t testing.TB) bool {
	t.Helper()
	if r.backend == "iptables-legacy" && !slices.Contains(netns.LegacyTables(t, r.family), "nat") {
		return false
	}
	return netns.List(t, r.backend, r.family, "IP-MASQ") != nil || len(r.jumps(t)) > 0
}

func (r iptables) List(t testing.TB) string {
	t.Helper()
	return strings.Join(append(netns.List(t, r.backend, r.family, "IP-MASQ"), r.jumps(t)...), "\n")
}

func (r iptables) ListWithCounters(t testing.TB) string {
	t.Helper()
	return netns.IPTables(t, r.backend, r.family, "-v", "-S", "IP-MASQ") + netns.IPTables(t, r.backend, r.family, "-v", "-S", "POSTROUTING")
}

func (r iptables) Commit(t testing.TB, lines ...string) {
	t.Helper()
	netns.Restore(t, r.backend, r.family, "*nat\n"+strings.Join(lines, "\n")+"\nCOMMIT\n")
}

const emptyChain = ":IP-MASQ - [0:0]" // creates the chain, or flushes it

func (iptables) Flush() []string  { return []string{emptyChain} }
func (iptables) Unhook() []string { return []string{"-D " + strings.TrimPrefix(Jump, "-A ")} }

func (r iptables) Remove() []string { return append(r.Unhook(), emptyChain, "-X IP-MASQ") }

func (iptables) InsertAccept() []string { return []string{"-I IP-MASQ 1 -j ACCEPT"} }
func (iptables) Outdated() []string     { return []string{emptyChain, "-A IP-MASQ -p tcp -j RETURN", Jump} }
func (iptables) Emptied() []string      { return []string{emptyChain, Jump} }
