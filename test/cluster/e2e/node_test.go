// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// node is a node of the cluster, as an operator with a shell on it sees it.
type node struct {
	name     string
	ip4, ip6 string // ip6 is empty in a cluster of one family
}

// nodes lists the cluster's nodes.
func nodes(t *testing.T) []node {
	t.Helper()
	out := kubectl(t, "get", "nodes", "-o",
		`jsonpath={range .items[*]}{.metadata.name}{range .status.addresses[?(@.type=="InternalIP")]} {.address}{end}{"\n"}{end}`)
	var all []node
	for line := range strings.Lines(out) {
		f := append(strings.Fields(line), "", "")
		all = append(all, node{name: f[0], ip4: f[1], ip6: f[2]})
	}
	if len(all) == 0 {
		t.Fatal("the cluster has no nodes")
	}
	return all
}

func nodeAccess() bool { return os.Getenv("E2E_NODE") != "" }

// needNodes skips a test that has to act on the nodes themselves.
func needNodes(t *testing.T) {
	t.Helper()
	if !nodeAccess() {
		t.Skip("acts on the nodes themselves or on a host outside, which only the harness's own cluster lets it do: run it without KUBECONFIG")
	}
}

// run runs a command on the node. Plain "iptables" there is the node's own
// backend.
func (n node) run(args ...string) (string, error) {
	return n.runWith("", args...)
}

func (n node) runWith(stdin string, args ...string) (string, error) {
	return run(stdin, os.Getenv("E2E_NODE"), append([]string{"exec", n.name}, args...)...)
}

// must is run, for a command that has to succeed.
func (n node) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := n.run(args...)
	if err != nil {
		t.Fatalf("on %s: %v\n%s", n.name, err, out)
	}
	return out
}

// iptables runs it where the node's rules can be seen: on the node, or, in a
// cluster that gives no shell there, in the agent's pod, which shares the
// node's network.
func (n node) iptables(args ...string) (string, error) {
	if nodeAccess() {
		return n.run(append([]string{"iptables"}, args...)...)
	}
	pod, err := n.agentPod()
	if err != nil {
		return "", err
	}
	inside := []string{"exec", "-n", "kube-system", pod, "--", "iptables-nft"}
	if out, err := run("", os.Getenv("KUBECTL"), append(inside, "-t", "nat", "-S", "IP-MASQ")...); err != nil {
		// -save alone shows legacy's tables without making them.
		inside[len(inside)-1] = "iptables-legacy-save"
		legacy, _ := run("", os.Getenv("KUBECTL"), inside...)
		if !strings.Contains(legacy, ":IP-MASQ ") {
			return out, err
		}
		inside[len(inside)-1] = "iptables-legacy"
	}
	return run("", os.Getenv("KUBECTL"), append(inside, args...)...)
}

// agentPod is the name of the agent's pod on the node that is not on its way out.
func (n node) agentPod() (string, error) {
	out, err := run("", os.Getenv("KUBECTL"), "get", "pods", "-n", "kube-system", "-l", "k8s-app=ip-masq-agent",
		"--field-selector", "spec.nodeName="+n.name, "-o",
		`jsonpath={range .items[*]}{.metadata.name} {.metadata.deletionTimestamp}{"\n"}{end}`)
	if err != nil {
		return "", fmt.Errorf("looking for the agent of %s: %w: %s", n.name, err, out)
	}
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) == 1 {
			return f[0], nil
		}
	}
	return "", fmt.Errorf("no agent on %s: %q", n.name, out)
}
