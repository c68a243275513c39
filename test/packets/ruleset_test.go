// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package packets_test

import (
	"fmt"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// command is one line for a tool: for nft as nft -f takes it, for iptables as
// iptables-restore takes it.
type command struct {
	tool  string // nft, iptables-nft, ip6tables-legacy and so on
	table string // of iptables
	line  string
	rule  bool // it adds a rule, which nothing else refers to
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

// ruleset is what a node holds besides the agent's rules.
type ruleset struct {
	commands []command
	behind   int    // the commands from here on run after the agent has started
	agent    string // its --backend, "" for no agent
	config   string // the agent's file
}

func (r ruleset) String() string {
	var b strings.Builder
	for i, c := range r.commands {
		if r.agent != "" && i == r.behind {
			b.WriteString("# the agent starts\n")
		}
		fmt.Fprintln(&b, c)
	}
	if r.agent != "" {
		fmt.Fprintf(&b, "# agent with backend %s and the file\n%s", r.agent, r.config)
	}
	return b.String()
}

// run runs commands, those of one tool and table in one transaction.
func (w *world) run(t *testing.T, commands []command) {
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

// tracking makes the kernel track connections, as it does on every node whose
// rules masquerade something. Without that no packet passes a chain of type nat,
// so a rule there that drops would have no effect.
const tracking = `table inet tracking {
	chain c {
		type filter hook prerouting priority raw
		ct state new counter
	}
}
`

// clear removes all rules of the node.
func (w *world) clear(t *testing.T) {
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
