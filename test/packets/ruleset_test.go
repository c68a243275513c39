// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package packets_test

import (
	"fmt"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// command is one line of input for a tool: for nft -f or iptables-restore.
type command struct {
	tool  string // nft, iptables-nft, ip6tables-legacy and so on
	table string // the table, for iptables
	line  string
	rule  bool // it adds a rule, so nothing else depends on it
}

func (c command) String() string {
	if c.tool == "nft" {
		return "nft '" + c.line + "'"
	}
	if policy, ok := strings.CutPrefix(c.line, ":"); ok {
		chain, policy, _ := strings.Cut(strings.TrimSuffix(policy, " [0:0]"), " ")
		if policy == "-" {
			return c.tool + " -t " + c.table + " -N " + chain
		}
		return c.tool + " -t " + c.table + " -P " + chain + " " + policy
	}
	return c.tool + " -t " + c.table + " " + c.line
}

// ruleset is the rules of a node besides the agent's.
type ruleset struct {
	commands   []command
	afterStart int    // the index of the first command that runs after the agent's start
	agent      string // the value of --backend, "" for no agent
	config     string // the configuration file of the agent
}

func (r ruleset) String() string {
	var b strings.Builder
	for i, c := range r.commands {
		if r.agent != "" && i == r.afterStart {
			b.WriteString("# the agent starts\n")
		}
		fmt.Fprintln(&b, c)
	}
	if r.agent != "" {
		fmt.Fprintf(&b, "# agent with backend %s and the file\n%s", r.agent, r.config)
	}
	return b.String()
}

// run runs commands. Consecutive commands for one tool and table are one
// transaction.
func (w *testbed) run(t *testing.T, commands []command) {
	t.Helper()
	for len(commands) > 0 {
		first, n := commands[0], 0
		var lines []string
		for n < len(commands) && commands[n].tool == first.tool && commands[n].table == first.table {
			lines = append(lines, commands[n].line)
			n++
		}
		commands = commands[n:]
		if first.tool == "nft" {
			netns.Feed(t, strings.Join(lines, "\n")+"\n", "nft", "-f", "-")
			continue
		}
		input := "*" + first.table + "\n" + strings.Join(lines, "\n") + "\nCOMMIT\n"
		netns.Feed(t, input, first.tool+"-restore", "-w", "5", "--noflush")
	}
}

// tracking makes the kernel track connections, as on every node whose rules
// masquerade something. Without connection tracking no packet passes a chain of
// type nat, so a rule there could not drop it.
const tracking = `table inet tracking {
	chain c {
		type filter hook prerouting priority raw
		ct state new counter
	}
}
`

// clear removes all rules of the node.
func (w *testbed) clear(t *testing.T) {
	t.Helper()
	netns.Feed(t, "flush ruleset\n"+tracking, "nft", "-f", "-")
	for _, family := range []string{"IPv4", "IPv6"} {
		for _, table := range netns.LegacyTables(t, family) {
			legacy := netns.Command("iptables-legacy", family)
			netns.Feed(t, "", legacy, "-w", "5", "-t", table, "-F")
			netns.Feed(t, "", legacy, "-w", "5", "-t", table, "-X")
		}
	}
}
