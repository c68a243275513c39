// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// sourceLists returns values of sourceCIDRs, all of which contain the pod.
func (n *node) sourceLists() [][]string {
	pod, other := n.byFamily("10.244.1.2/32", "fd00:244:1::2/128"), n.byFamily("100.64.0.0/10", "fd64::/16")
	return [][]string{{n.podRange()}, {other, pod}, {pod, n.byFamily("10.245.0.0/16", "fd00:245::/32"), other}}
}

// sourceFile returns a file with one of the lists. The other lists are always
// the same.
func (n *node) sourceFile(sources []string) string {
	return "nonMasqueradeCIDRs: ['" + n.byFamily("10.0.0.0/8", "fd00::/16") + "']\nmasqueradeCIDRs: ['" + n.byFamily("10.9.0.0/16", "fd00:9::/32") +
		"']\nsourceCIDRs: ['" + strings.Join(sources, "', '") + "']\n"
}

// sourceChain returns the chain of the file.
func (n *node) sourceChain(sources []string) []string {
	rules := []string{"-N IP-MASQ", returnRule(n.byFamily("169.254.0.0/16", "fe80::/10"))}
	for _, s := range sources {
		rules = append(rules, exceptionRuleFrom(s, n.byFamily("10.9.0.0/16", "fd00:9::/32")))
	}
	rules = append(rules, returnRule(n.byFamily("10.0.0.0/8", "fd00::/16")))
	for _, s := range sources {
		rules = append(rules, lastRuleFrom(s))
	}
	return rules
}

// editSources writes each of the lists twice and waits for its rules.
func (n *node) editSources() {
	n.t.Helper()
	for _, list := range slices.Repeat(n.sourceLists(), 2) {
		n.config.write(n.t, n.sourceFile(list))
		n.wait(n.sourceChain(list))
	}
}

// TestSourceEditsUnderLoad edits sourceCIDRs while the pod, which is in each of
// the lists, and the node, which is in none, make connections. A packet sees
// all of the old list or all of the new one.
func TestSourceEditsUnderLoad(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newSourcesTestbed(n)
		first := n.sourceLists()[0]
		n.startRight(n.sourceFile(first), n.sourceChain(first))
		w.waitSource(w.nodeAddr, w.publicAddr())
		address := func(number int) string {
			return net.JoinHostPort([]string{w.publicAddr(), w.privateAddr()}[number%2], "8080")
		}
		pod := n.connect(w.nodeAddr, func(number int) (netip.AddrPort, error) { return netns.Dial(w.pod, address(number)) })
		node := n.connect(w.second, func(number int) (netip.AddrPort, error) { return netns.DialFrom(w.here, w.second, address(number)) })
		for round := 0; round < 1 || !(pod.enough() && node.enough()) && round < 10; round++ {
			n.editSources()
		}
		pod.end()
		node.end()
	})
}

// TestEveryMomentOfSourcesIsComplete checks that a program that dumps the rules
// while sourceCIDRs is edited sees all of the old list or all of the new one.
func TestEveryMomentOfSourcesIsComplete(t *testing.T) {
	eachNode(t, func(n *node) {
		var chains [][]string
		for _, list := range n.sourceLists() {
			chains = append(chains, n.sourceChain(list))
		}
		n.config.write(n.t, n.sourceFile(n.sourceLists()[0]))
		watcher := n.watch(chains...)
		defer watcher.end(n.t)
		n.start()
		for round := 0; round < 3 || !watcher.enough() && round < 12; round++ {
			n.editSources()
		}
	})
}
