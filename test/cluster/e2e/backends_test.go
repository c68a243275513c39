// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEachNodeUsesItsOwnBackend checks that each agent uses the backend of its
// node, and no other.
func TestEachNodeUsesItsOwnBackend(t *testing.T) {
	needNodes(t)
	freshCluster(t)
	deploy(t, manifest(t, ourManifest))
	waitForChain(t, defaultChain())

	seen := map[string]bool{}
	for _, n := range nodes(t) {
		own, other := n.backend()
		seen[own] = true
		if out, err := n.fromOutside("", other, "-t", "nat", "-S", "IP-MASQ"); err == nil {
			t.Errorf("%s uses %s, but it also has the agent's chain in %s:\n%s", n.name, own, other, out)
		}
		pod, err := n.agentPod()
		if err != nil {
			t.Fatal(err)
		}
		logs := kubectl(t, "logs", "-n", "kube-system", pod)
		choice := ""
		for line := range strings.Lines(logs) {
			if strings.Contains(line, "backend") && strings.Contains(line, own) {
				choice = strings.TrimSpace(line)
				break
			}
		}
		if choice == "" {
			t.Errorf("the agent of %s does not log that it chose %s:\n%s", n.name, own, logs)
		}
		t.Logf("%s uses %s: %s", n.name, own, choice)
	}
	if !seen["iptables-nft"] || !seen["iptables-legacy"] {
		t.Errorf("the cluster's nodes use %v, want both iptables-nft and iptables-legacy", seen)
	}
}

// backend returns the backend of the node's own iptables, and the other one. On
// a node without iptables the agent's iptables decides, which is iptables-nft.
func (n node) backend() (own, other string) {
	if n.pool == "legacy" {
		return "iptables-legacy", "iptables-nft"
	}
	return "iptables-nft", "iptables-legacy"
}

// TestNodeWithGKEsBootRules starts the agent on nodes with the rules of GKE's
// boot script. It takes over their jump.
func TestNodeWithGKEsBootRules(t *testing.T) {
	needNodes(t)
	freshCluster(t)
	rules, err := os.ReadFile("testdata/gke-boot.rules")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range withIPTables(t) {
		n.restore(t, string(rules))
	}
	before := map[string][]string{}
	for _, n := range withIPTables(t) {
		before[n.name] = n.postrouting(t)
	}

	deploy(t, manifest(t, ourManifest))
	waitForChain(t, defaultChain())
	for _, n := range withIPTables(t) {
		// The jump of the boot script is equivalent to the agent's, so nothing
		// in POSTROUTING changes.
		if diff := cmp.Diff(before[n.name], n.postrouting(t)); diff != "" {
			t.Errorf("POSTROUTING of %s (-after the boot script +now):\n%s", n.name, diff)
		}
	}
}

func (n node) postrouting(t *testing.T) []string {
	t.Helper()
	out, err := n.iptables("-t", "nat", "-S", "POSTROUTING")
	if err != nil {
		t.Fatalf("on %s: %v\n%s", n.name, err, out)
	}
	return strings.Split(withoutWarnings(out), "\n")
}

// packets returns the packet counters of the rules in the agent's chain.
func (n node) packets(t *testing.T) []uint64 {
	t.Helper()
	out, err := n.iptables("-t", "nat", "-v", "-S", "IP-MASQ")
	if err != nil {
		t.Fatalf("on %s: %v\n%s", n.name, err, out)
	}
	var all []uint64
	for line := range strings.Lines(out) {
		_, counters, ok := strings.Cut(line, " -c ")
		if !ok {
			continue
		}
		var packets uint64
		if _, err := fmt.Sscan(counters, &packets); err != nil {
			t.Fatalf("parsing the counter in %q: %v", line, err)
		}
		all = append(all, packets)
	}
	return all
}
