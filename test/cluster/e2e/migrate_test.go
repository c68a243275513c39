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

// The steps of docs/migrate.md that are about Kubernetes. No registry is asked, so
// our image stands in for that of 2.x; test/migrate has what 2.x does to the rules.
const (
	oldManifest = "testdata/2x.yaml"
	oldChain    = "IP-MASQ-AGENT"
)

func TestAnUpgradeFrom2xByApplyAndBack(t *testing.T) { upgradeAndBack(t, "apply") }

// TestAnUpgradeFrom2xThatWasCreated: without the annotation of an earlier "apply",
// kubectl leaves fields alone that our manifest does not have.
func TestAnUpgradeFrom2xThatWasCreated(t *testing.T) { upgradeAndBack(t, "create") }

func upgradeAndBack(t *testing.T, verb string) {
	needNodes(t)
	freshCluster(t)
	t.Cleanup(func() { removeOldChain(t) })
	kubectlWith(t, manifest(t, oldManifest), verb, "-f", "-")
	rolledOut(t)
	everyNodeHasOldChain(t, true)
	before := podTemplate(t)

	t.Log("kubectl apply of our manifest")
	deploy(t, manifest(t, ourManifest))
	rolledOut(t)
	everyNodeGets(t, defaults())
	everyNodeHasOldChain(t, true)
	for _, n := range nodes(t) {
		if out := n.doctor(t); !strings.Contains(out, oldChain) {
			t.Errorf("doctor on %s does not report the chain %s:\n%s", n.name, oldChain, out)
		}
		n.agent(t, "cleanup", "--masq-chain="+oldChain)
	}
	everyNodeHasOldChain(t, false)
	everyNodeHas(t, defaults())

	t.Log("kubectl rollout undo")
	kubectl(t, "rollout", "undo", "daemonset/ip-masq-agent", "-n", "kube-system")
	rolledOut(t)
	if diff := cmp.Diff(before, podTemplate(t)); diff != "" {
		t.Errorf("the pods' template before the upgrade, and after the rollback (-before +after):\n%s", diff)
	}
	everyNodeHasOldChain(t, true)
	everyNodeHas(t, defaults()) // the chain of the agent that is gone
}

// TestAnotherSelectorNeedsADelete: the selector of a DaemonSet cannot be changed.
// Its rules stay on the nodes while it is replaced.
func TestAnotherSelectorNeedsADelete(t *testing.T) {
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
	everyNodeGets(t, defaults())
}

// rolledOut waits until every pod has the newest template.
func rolledOut(t *testing.T) {
	t.Helper()
	kubectl(t, "rollout", "status", "daemonset/ip-masq-agent", "-n", "kube-system", "--timeout=150s")
}

func podTemplate(t *testing.T) string {
	t.Helper()
	return kubectl(t, "get", "daemonset/ip-masq-agent", "-n", "kube-system", "-o", "jsonpath={.spec.template}")
}

// doctor is what the subcommand prints, whether or not it finds anything.
func (n node) doctor(t *testing.T) string {
	t.Helper()
	pod, err := n.agentPod()
	if err != nil {
		t.Fatal(err)
	}
	out, _ := run("", os.Getenv("KUBECTL"), "exec", "-n", "kube-system", pod, "--", "/ip-masq-agent", "doctor")
	return out
}

// everyNodeHasOldChain waits until each node has the chain of 2.x, or has it no more.
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

// removeOldChain removes it from all nodes when the test is over, with an agent
// that writes our chain.
func removeOldChain(t *testing.T) {
	t.Helper()
	removeAgent(t)
	deploy(t, manifest(t, ourManifest))
	rolledOut(t)
	for _, n := range nodes(t) {
		n.agent(t, "cleanup", "--masq-chain="+oldChain)
	}
}
