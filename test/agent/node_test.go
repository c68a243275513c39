// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
	"ip-masq-agent/test/rules"
)

// node is a machine with one backend, seen through one family. The machine is
// the network namespace of this process.
type node struct {
	t               testing.TB
	backend, family string
	rules           rules.Rules // the agent's, of this backend and family
	config          volume
	env             []string // added to the agent's
}

// eachNode runs a story on every backend and family.
func eachNode(t *testing.T, story func(n *node)) {
	t.Helper()
	netns.FullMatrix(t, func(t *testing.T, backend, family string) {
		story(newNode(t, backend, family))
	})
}

// eachIPTablesNode runs a story on the backends of iptables and every family. It
// is for what does not exist on nftables: rules of others in the agent's chain's
// place, several jumps, commands that fail or hang, and a lock.
func eachIPTablesNode(t *testing.T, story func(n *node)) {
	t.Helper()
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		story(newNode(t, backend, family))
	})
}

// eachNFTablesNode runs a story on the backend nftables and every family.
func eachNFTablesNode(t *testing.T, story func(n *node)) {
	t.Helper()
	netns.MatrixOf(t, []string{netns.NFTables}, func(t *testing.T, backend, family string) {
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
	return &node{t: t, backend: backend, family: family, rules: rules.New(backend, family), config: volume{dir: dir}}
}

// run makes name a subtest with the same machine, on which no rules are left at
// its end. The subtests of one machine are not parallel.
func (n *node) run(name string, story func(n *node)) {
	n.t.(*testing.T).Run(name, func(t *testing.T) {
		t.Cleanup(func() {
			for _, family := range []string{"IPv4", "IPv6"} {
				if n.nftables() {
					netns.NFT(t, "flush ruleset\n")
					continue
				}
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

// nftables tells whether the node's backend is nftables.
func (n *node) nftables() bool { return n.backend == netns.NFTables }

// other is the family that the story is not about.
func (n *node) other() string { return n.pick("IPv6", "IPv4") }

// newOther is the same machine seen through the other family.
func newOther(n *node) *node {
	return &node{t: n.t, backend: n.backend, family: n.other(), rules: rules.New(n.backend, n.other())}
}

// wait waits until the node's rules do what the chain want does, which is
// compared literally on the backends of iptables, with one jump to it.
func (n *node) wait(want []string) {
	n.t.Helper()
	program.Eventually(n.t, func() string { return n.rules.Differ(n.t, want) })
}

// waitRestored waits until the node's rules do what the chain want does, and
// read as they did before.
func (n *node) waitRestored(want []string, before string) {
	n.t.Helper()
	program.Eventually(n.t, func() string {
		if differ := n.rules.Differ(n.t, want); differ != "" {
			return differ
		}
		return cmp.Diff(before, n.rules.List(n.t))
	})
}

// check fails the test unless the node's rules do what the chain want does.
func (n *node) check(event string, want []string) {
	n.t.Helper()
	if differ := n.rules.Differ(n.t, want); differ != "" {
		n.t.Errorf("%s: %s", event, differ)
	}
}

// do damages the agent's rules in one commit, with one of the methods of
// [rules.Rules]: n.do(n.rules.Flush). It is one commit because the agent may act
// between two.
func (n *node) do(damage func() []string) {
	n.t.Helper()
	rules.Damage(n.t, n.rules, damage)
}

// commit commits lines in the language of the node's backend.
func (n *node) commit(lines ...string) {
	n.t.Helper()
	n.rules.Commit(n.t, lines...)
}
