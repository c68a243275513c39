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

// These tests follow the steps of docs/migrate.md in Kubernetes. The image
// under test replaces the image of 2.x, because no registry is available.
// test/migrate tests the rules of 2.x.
const (
	oldManifest = "testdata/2x.yaml"
	oldChain    = "IP-MASQ-AGENT"
)

// TestUpgradeFrom2xWithApply upgrades a DaemonSet of 2.x that "kubectl apply"
// created, and rolls back.
func TestUpgradeFrom2xWithApply(t *testing.T) { upgradeAndBack(t, "apply") }

// TestUpgradeFrom2xThatWasCreated has a DaemonSet of "kubectl create".
// Without the annotation of an earlier "apply", kubectl does not remove fields
// that the new manifest lacks.
func TestUpgradeFrom2xThatWasCreated(t *testing.T) { upgradeAndBack(t, "create") }

func upgradeAndBack(t *testing.T, command string) {
	needNodes(t)
	freshCluster(t)
	t.Cleanup(func() { removeOldChain(t) })
	kubectlWith(t, manifest(t, oldManifest), command, "-f", "-")
	rolledOut(t)
	everyNodeHasOldChain(t, true)
	before := podTemplate(t)

	t.Log("kubectl apply of our manifest")
	deploy(t, manifest(t, ourManifest))
	rolledOut(t)
	waitForChain(t, defaultChain())
	everyNodeHasOldChain(t, true)
	for _, n := range nodes(t) {
		if out := n.doctor(t); !strings.Contains(out, oldChain) {
			t.Errorf("doctor on %s does not report the chain %s:\n%s", n.name, oldChain, out)
		}
		n.agent(t, "cleanup", "--masq-chain="+oldChain)
	}
	everyNodeHasOldChain(t, false)
	checkChain(t, defaultChain())

	t.Log("kubectl rollout undo")
	kubectl(t, "rollout", "undo", "daemonset/ip-masq-agent", "-n", "kube-system")
	rolledOut(t)
	if diff := cmp.Diff(before, podTemplate(t)); diff != "" {
		t.Errorf("the pods' template before the upgrade, and after the rollback (-before +after):\n%s", diff)
	}
	everyNodeHasOldChain(t, true)
	checkChain(t, defaultChain()) // the chain of the removed agent
}

// TestOtherSelectorNeedsDelete has a DaemonSet with another selector, which
// cannot be changed. The rules stay on the nodes while the DaemonSet is
// replaced.
func TestOtherSelectorNeedsDelete(t *testing.T) {
	needNodes(t)
	freshCluster(t)
	t.Cleanup(func() { removeOldChain(t) })
	old := strings.ReplaceAll(manifest(t, oldManifest), "k8s-app: ip-masq-agent", "app: ip-masq-agent")
	kubectlWith(t, old, "apply", "-f", "-")
	rolledOut(t)
	everyNodeHasOldChain(t, true)

	out, err := run(manifest(t, ourManifest), os.Getenv("KUBECTL"), "apply", "-f", "-")
	if err == nil || !strings.Contains(out, "field is immutable") {
		t.Fatalf("kubectl apply over another selector: want a failure with \"field is immutable\", got %v\n%s", err, out)
	}
	kubectl(t, "delete", "daemonset", "ip-masq-agent", "-n", "kube-system", "--cascade=foreground")
	everyNodeHasOldChain(t, true)
	deploy(t, manifest(t, ourManifest))
	waitForChain(t, defaultChain())
}

// rolledOut waits until every pod has the current template.
func rolledOut(t *testing.T) {
	t.Helper()
	kubectl(t, "rollout", "status", "daemonset/ip-masq-agent", "-n", "kube-system", "--timeout=150s")
}

func podTemplate(t *testing.T) string {
	t.Helper()
	return kubectl(t, "get", "daemonset/ip-masq-agent", "-n", "kube-system", "-o", "jsonpath={.spec.template}")
}

// doctor returns the output of the subcommand, whether it finds problems or
// not.
func (n node) doctor(t *testing.T) string {
	t.Helper()
	pod, err := n.agentPod()
	if err != nil {
		t.Fatal(err)
	}
	out, _ := run("", os.Getenv("KUBECTL"), "exec", "-n", "kube-system", pod, "--", "/ip-masq-agent", "doctor")
	return out
}

// everyNodeHasOldChain waits until each node has the chain of 2.x, or until no
// node has it.
func everyNodeHasOldChain(t *testing.T, want bool) {
	t.Helper()
	for _, n := range nodes(t) {
		eventually(t, podLimit, func() error {
			out, err := n.iptables("-t", "nat", "-S", oldChain)
			if got := err == nil && strings.Contains(out, "-j MASQUERADE"); got != want {
				return fmt.Errorf("%s has the chain %s: %t, want %t\n%s", n.name, oldChain, got, want, out)
			}
			return nil
		})
	}
}

// removeOldChain removes the chain of 2.x from all nodes at the end of the
// test.
func removeOldChain(t *testing.T) {
	t.Helper()
	removeAgent(t)
	deploy(t, manifest(t, ourManifest))
	rolledOut(t)
	for _, n := range nodes(t) {
		n.agent(t, "cleanup", "--masq-chain="+oldChain)
	}
}
