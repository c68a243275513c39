// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const (
	goodConfig = "nonMasqueradeCIDRs: [10.0.0.0/8, 198.51.100.0/24]\nresyncInterval: 1s"
	badConfig  = "nonMasqueradeCIDRs: [10.0.0.0/8]\nresyscInterval: 1s"
	// What the agent says of it.
	badReason = "resyncInterval"
)

func TestABadEditChangesNoRuleAndIsToldUntilItIsFixed(t *testing.T) {
	freshCluster(t)
	configure(t, goodConfig)
	deploy(t, manifest(t, ourManifest))
	good := keeps("10.0.0.0/8", "198.51.100.0/24")
	everyNodeGets(t, good)

	stop := watch(t, nodes(t), good)
	configure(t, badConfig)
	eventually(t, editLimit, func() error { return readyIs(t, 0) })
	for _, n := range nodes(t) {
		tellsWhy(t, n)
	}
	stop()
	everyNodeHas(t, good)

	configure(t, "nonMasqueradeCIDRs: [10.0.0.0/8]\nresyncInterval: 1s")
	eventually(t, editLimit, func() error { return readyIs(t, len(nodes(t))) })
	everyNodeGets(t, keeps("10.0.0.0/8"))
}

func TestARollingUpdateToABrokenConfigurationStopsAtTheFirstNode(t *testing.T) {
	if len(nodes(t)) < 2 {
		t.Skip("an update that stops at the first of several nodes wants several nodes")
	}
	freshCluster(t)
	configure(t, goodConfig)
	deploy(t, manifest(t, ourManifest))
	good := keeps("10.0.0.0/8", "198.51.100.0/24")
	everyNodeGets(t, good)

	kubectlWith(t, configMap("ip-masq-agent-broken", badConfig), "apply", "-f", "-")
	kubectl(t, "patch", "daemonset/ip-masq-agent", "-n", "kube-system", "--patch",
		`{"spec":{"template":{"spec":{"volumes":[{"name":"config-volume","configMap":{"name":"ip-masq-agent-broken"}}]}}}}`)
	kubectlFails(t, "timed out", "rollout", "status", "daemonset/ip-masq-agent", "-n", "kube-system", "--timeout=30s")

	if err := readyIs(t, len(nodes(t))-1); err != nil {
		t.Error(err)
	}
	updated := 0
	for _, n := range nodes(t) {
		name, err := n.agentPod()
		if err != nil {
			t.Fatal(err)
		}
		volumes := kubectl(t, "get", "pod", name, "-n", "kube-system", "-o", "jsonpath={.spec.volumes[*].configMap.name}")
		if volumes == "ip-masq-agent-broken" {
			updated++
			tellsWhy(t, n)
		}
	}
	if updated != 1 {
		t.Errorf("%d nodes were updated, want the first alone", updated)
	}
	everyNodeHas(t, good)

	kubectl(t, "rollout", "undo", "daemonset/ip-masq-agent", "-n", "kube-system")
	kubectl(t, "rollout", "status", "daemonset/ip-masq-agent", "-n", "kube-system", "--timeout=120s")
	agentReady(t)
	everyNodeHas(t, good)
}

// tellsWhy wants the reason where an operator looks for it: "kubectl describe"
// says that the pod is not ready, and "kubectl logs" why.
func tellsWhy(t *testing.T, n node) {
	t.Helper()
	name, err := n.agentPod()
	if err != nil {
		t.Fatal(err)
	}
	// The kubelet's event of a failed probe comes a probe's period later.
	eventually(t, podLimit, func() error {
		described := kubectl(t, "describe", "pod", name, "-n", "kube-system")
		if !strings.Contains(described, "Readiness probe failed") {
			return fmt.Errorf("kubectl describe says nothing of a failed readiness probe:\n%s", described)
		}
		return nil
	})
	out, err := run("", os.Getenv("KUBECTL"), "logs", name, "-n", "kube-system")
	if err != nil || !strings.Contains(out, "resyscInterval") || !strings.Contains(out, badReason) {
		t.Fatalf("kubectl logs %s (%v) does not name the key resyscInterval and what it should be:\n%s", name, err, out)
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, "resyscInterval") {
			t.Logf("%s: %s", n.name, strings.TrimSpace(line))
			return
		}
	}
}
