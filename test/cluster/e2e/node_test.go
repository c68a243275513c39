// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// nftablesPool is the pool of nodes that have no iptables. Their kube-proxy
// uses its nftables mode.
const nftablesPool = "nftables"

// node is a node of the cluster.
type node struct {
	name     string
	pool     string // its label "pool", see node.sh of the harness
	ip4, ip6 string // ip6 is empty in a single-stack cluster
}

// nodes returns the nodes of the cluster.
func nodes(t *testing.T) []node {
	t.Helper()
	out := kubectl(t, "get", "nodes", "-o",
		`jsonpath={range .items[*]}{.metadata.name} pool={.metadata.labels.pool}{range .status.addresses[?(@.type=="InternalIP")]} {.address}{end}{"\n"}{end}`)
	var all []node
	for line := range strings.Lines(out) {
		f := append(strings.Fields(line), "", "")
		all = append(all, node{name: f[0], pool: strings.TrimPrefix(f[1], "pool="), ip4: f[2], ip6: f[3]})
	}
	if len(all) == 0 {
		t.Fatal("the cluster has no nodes")
	}
	return all
}

// pool returns the nodes of one pool.
func pool(t *testing.T, name string) []node {
	t.Helper()
	all := slices.DeleteFunc(nodes(t), func(n node) bool { return n.pool != name })
	if len(all) == 0 {
		t.Fatalf("the cluster has no node in the pool %s", name)
	}
	return all
}

// withIPTables returns the nodes that have iptables, which kube-proxy also uses
// there.
func withIPTables(t *testing.T) []node {
	t.Helper()
	return slices.DeleteFunc(nodes(t), func(n node) bool { return n.pool == nftablesPool })
}

func nodeAccess() bool { return os.Getenv("E2E_NODE") != "" }

// needNodes skips a test that needs access to the nodes if there is none.
func needNodes(t *testing.T) {
	t.Helper()
	if !nodeAccess() {
		t.Skip("this test needs access to the nodes, which only the cluster of the harness gives: run it without KUBECONFIG")
	}
}

// run runs a command on the node. There the command "iptables" uses the node's
// own backend.
func (n node) run(args ...string) (string, error) {
	return n.runWith("", args...)
}

func (n node) runWith(stdin string, args ...string) (string, error) {
	return run(stdin, os.Getenv("E2E_NODE"), append([]string{"exec", n.name}, args...)...)
}

// must is run for a command that must succeed.
func (n node) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := n.run(args...)
	if err != nil {
		t.Fatalf("on %s: %v\n%s", n.name, err, out)
	}
	return out
}

// fromOutside runs a command of this machine in the network of the node.
func (n node) fromOutside(stdin string, args ...string) (string, error) {
	return run(stdin, os.Getenv("E2E_NODE"), append([]string{"net", n.name}, args...)...)
}

// withLock runs a command of iptables where it takes the lock of the node's other
// programs, if the node has iptables.
func (n node) withLock(stdin string, args ...string) (string, error) {
	if n.pool == nftablesPool {
		return n.fromOutside(stdin, args...)
	}
	return n.runWith(stdin, args...)
}

// iptables runs iptables where the node's rules are visible: on the node, or if
// the node has no iptables, in its network. In a cluster without access to the
// nodes it runs in the agent's pod, which shares the node's network. It waits for
// the lock, which kube-proxy, the kubelet or the agent may hold.
func (n node) iptables(args ...string) (string, error) {
	switch {
	case nodeAccess() && n.pool == nftablesPool:
		return n.fromOutside("", append([]string{"iptables-nft"}, args...)...)
	case nodeAccess():
		return n.run(append([]string{"iptables", "-w"}, args...)...)
	}
	pod, err := n.agentPod()
	if err != nil {
		return "", err
	}
	inside := []string{"exec", "-n", "kube-system", pod, "--", "iptables-nft"}
	if out, err := run("", os.Getenv("KUBECTL"), append(inside, "-t", "nat", "-S", "IP-MASQ")...); err != nil {
		// Only iptables-legacy-save lists tables without creating them.
		inside[len(inside)-1] = "iptables-legacy-save"
		legacy, _ := run("", os.Getenv("KUBECTL"), inside...)
		if !strings.Contains(legacy, ":IP-MASQ ") {
			return out, err
		}
		inside[len(inside)-1] = "iptables-legacy"
	}
	return run("", os.Getenv("KUBECTL"), append(append(inside, "-w"), args...)...)
}

// agentPod returns the name of the agent's pod on the node, ignoring pods that
// are being deleted.
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
