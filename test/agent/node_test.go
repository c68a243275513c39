// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// node is a machine with one backend, seen through one family. The machine is
// the network namespace of this process.
type node struct {
	t               testing.TB
	backend, family string
	config          volume
	env             []string // added to the agent's
}

// eachNode runs a story on every backend and family.
func eachNode(t *testing.T, story func(n *node)) {
	t.Helper()
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		story(newNode(t, backend, family))
	})
}

func newNode(t testing.TB, backend, family string) *node {
	// Not t.TempDir, whose path has the name of the test in it, and so in every
	// line of the log that names the file.
	dir, err := os.MkdirTemp("", "config")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return &node{t: t, backend: backend, family: family, config: volume{dir: dir}}
}

// run makes name a subtest with the same machine, whose nat table is empty at
// its end. The subtests of one machine are not parallel.
func (n *node) run(name string, story func(n *node)) {
	n.t.(*testing.T).Run(name, func(t *testing.T) {
		t.Cleanup(func() {
			for _, family := range []string{"IPv4", "IPv6"} {
				netns.IPTables(t, n.backend, family, "-F")
				netns.IPTables(t, n.backend, family, "-X")
			}
		})
		story(newNode(t, n.backend, n.family))
	})
}

// start runs the agent on the node, for both families where the story is about
// IPv6.
func (n *node) start(args ...string) *program.Process {
	n.t.Helper()
	all := []string{"--masq-chain=IP-MASQ", "--config=" + n.config.path(), "--backend=" + n.backend}
	if n.family == "IPv6" {
		all = append(all, "--enable-ipv6")
	}
	return program.Start(n.t, program.Command(n.env, append(all, args...)...))
}

// startRight writes config, starts the agent and waits until want is there.
func (n *node) startRight(config string, want []string, args ...string) *program.Process {
	n.t.Helper()
	n.config.write(n.t, config)
	p := n.start(args...)
	n.wait(want)
	return p
}

// pick chooses between two values by the node's family.
func (n *node) pick(ipv4, ipv6 string) string {
	if n.family == "IPv6" {
		return ipv6
	}
	return ipv4
}

// chain lists the agent's chain as iptables -S prints it, nil if there is none.
func (n *node) chain() []string {
	n.t.Helper()
	return netns.List(n.t, n.backend, n.family, "IP-MASQ")
}

// jumps lists the rules of POSTROUTING that lead to the agent's chain.
func (n *node) jumps() []string {
	n.t.Helper()
	return slices.DeleteFunc(netns.List(n.t, n.backend, n.family, "POSTROUTING"), func(rule string) bool {
		return !strings.HasSuffix(rule, " -j IP-MASQ")
	})
}

// other is the family that the story is not about.
func (n *node) other() string { return n.pick("IPv6", "IPv4") }

// wait waits until the node has the chain want and one jump to it. The jump is
// the agent's own unless another is given.
func (n *node) wait(want []string, wantJumps ...string) {
	n.t.Helper()
	if wantJumps == nil {
		wantJumps = []string{jump}
	}
	program.Eventually(n.t, func() string {
		if diff := cmp.Diff(want, n.chain()); diff != "" {
			return "chain (-want +got):\n" + diff
		}
		if diff := cmp.Diff(wantJumps, n.jumps()); diff != "" {
			return "jumps (-want +got):\n" + diff
		}
		return ""
	})
}

// iptables runs a command on the nat table, and it must succeed.
func (n *node) iptables(args ...string) string {
	n.t.Helper()
	return netns.IPTables(n.t, n.backend, n.family, args...)
}

// restore feeds the lines to iptables-restore --noflush as one commit.
func (n *node) restore(lines ...string) {
	n.t.Helper()
	netns.Restore(n.t, n.backend, n.family, strings.Join(lines, "\n")+"\n")
}

// uninstall takes chain and jump away in one commit. Of two commands the agent
// may come in between, and the second would find the chain in use again.
func (n *node) uninstall() {
	n.t.Helper()
	n.restore("*nat", "-D "+strings.TrimPrefix(jump, "-A "), ":IP-MASQ - [0:0]", "-X IP-MASQ", "COMMIT")
}
