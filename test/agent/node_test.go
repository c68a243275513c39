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
	"ip-masq-agent/test/volume"
)

// node is a node with one backend. Its rules are those of one IP family. The
// node is the network namespace of this process.
type node struct {
	t               testing.TB
	backend, family string
	rules           rules.Rules // the agent's, of this backend and family
	config          configVolume
	env             []string // environment variables for the agent
}

// eachNode runs a test on every backend and family.
func eachNode(t *testing.T, test func(n *node)) {
	t.Helper()
	netns.FullMatrix(t, func(t *testing.T, backend, family string) {
		test(newNode(t, backend, family))
	})
}

// eachIPTablesNode runs a test on both iptables backends and every family. It
// is for cases that do not exist with nftables: other programs' rules in the
// agent's chain, several jumps, commands that fail or hang, and the lock.
func eachIPTablesNode(t *testing.T, test func(n *node)) {
	t.Helper()
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		test(newNode(t, backend, family))
	})
}

// eachNFTablesNode runs a test on the backend nftables and every family.
func eachNFTablesNode(t *testing.T, test func(n *node)) {
	t.Helper()
	netns.MatrixOf(t, []string{netns.NFTables}, func(t *testing.T, backend, family string) {
		test(newNode(t, backend, family))
	})
}

func newNode(t testing.TB, backend, family string) *node {
	// The path must not contain the name of the test, as that of t.TempDir
	// does: it is in each log line that names the file, where tests search for
	// texts.
	dir, err := os.MkdirTemp("", "config")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return &node{t: t, backend: backend, family: family, rules: rules.New(backend, family), config: configVolume{volume.Volume{Dir: dir}}}
}

// start runs the agent on the node. If the node's family is IPv6, the agent
// also manages IPv4.
func (n *node) start(args ...string) *program.Process {
	n.t.Helper()
	all := []string{"--masq-chain=IP-MASQ", "--config=" + n.config.path(), "--backend=" + n.backend}
	if n.family == "IPv6" {
		all = append(all, "--enable-ipv6")
	}
	return program.Start(n.t, program.Command(n.env, append(all, args...)...))
}

// startRight writes the file, starts the agent and waits for the rules.
func (n *node) startRight(config string, want []string, args ...string) *program.Process {
	n.t.Helper()
	n.config.write(n.t, config)
	p := n.start(args...)
	n.wait(want)
	return p
}

// byFamily returns the value for the node's family.
func (n *node) byFamily(ipv4, ipv6 string) string {
	if n.family == "IPv6" {
		return ipv6
	}
	return ipv4
}

// nftables reports whether the node's backend is nftables.
func (n *node) nftables() bool { return n.backend == netns.NFTables }

// otherFamily returns the name of the other IP family.
func (n *node) otherFamily() string { return n.byFamily("IPv6", "IPv4") }

// otherFamilyNode returns the same node with the rules of the other family.
func otherFamilyNode(n *node) *node {
	return &node{t: n.t, backend: n.backend, family: n.otherFamily(), rules: rules.New(n.backend, n.otherFamily())}
}

// wait waits until the rules do what the chain does. See [rules.Rules] for how
// they are compared.
func (n *node) wait(want []string) {
	n.t.Helper()
	program.Eventually(n.t, func() string { return n.rules.Differ(n.t, want) })
}

// waitRestored waits until the rules do what the chain does and their text is
// the same as before.
func (n *node) waitRestored(want []string, before string) {
	n.t.Helper()
	program.Eventually(n.t, func() string {
		if differ := n.rules.Differ(n.t, want); differ != "" {
			return differ
		}
		return cmp.Diff(before, n.rules.List(n.t))
	})
}

// check fails the test unless the rules do what the chain does.
func (n *node) check(event string, want []string) {
	n.t.Helper()
	if differ := n.rules.Differ(n.t, want); differ != "" {
		n.t.Errorf("%s: %s", event, differ)
	}
}

// damage damages the agent's rules with one of the methods of [rules.Rules]:
// n.damage(n.rules.Flush). It makes one commit, because the agent could act between
// two.
func (n *node) damage(damage func() []string) {
	n.t.Helper()
	rules.Damage(n.t, n.rules, damage)
}

// commit makes one commit of lines in the language of the node's backend.
func (n *node) commit(lines ...string) {
	n.t.Helper()
	n.rules.Commit(n.t, lines...)
}
