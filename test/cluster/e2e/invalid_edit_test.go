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
	// badReason is a part of the agent's error.
	badReason = "resyncInterval"
)

// TestInvalidEditChangesNoRuleAndIsReported applies an invalid ConfigMap. The
// rules stay, and the pods are not ready and log the reason until the ConfigMap
// is valid again.
func TestInvalidEditChangesNoRuleAndIsReported(t *testing.T) {
	freshCluster(t)
	configure(t, goodConfig)
	deploy(t, manifest(t, ourManifest))
	good := chain("10.0.0.0/8", "198.51.100.0/24")
	waitForChain(t, good)

	stop := watch(t, nodes(t), good)
	configure(t, badConfig)
	eventually(t, editLimit, func() error { return readyIs(t, 0) })
	for _, n := range nodes(t) {
		checkReason(t, n)
	}
	stop()
	checkChain(t, good)

	configure(t, "nonMasqueradeCIDRs: [10.0.0.0/8]\nresyncInterval: 1s")
	eventually(t, editLimit, func() error { return readyIs(t, len(nodes(t))) })
	waitForChain(t, chain("10.0.0.0/8"))
}

// TestRollingUpdateToInvalidConfigurationStopsAtTheFirstNode checks that a
// rolling update to an invalid configuration replaces only one pod.
func TestRollingUpdateToInvalidConfigurationStopsAtTheFirstNode(t *testing.T) {
	if len(nodes(t)) < 2 {
		t.Skip("this test needs more than one node")
	}
	freshCluster(t)
	configure(t, goodConfig)
	deploy(t, manifest(t, ourManifest))
	good := chain("10.0.0.0/8", "198.51.100.0/24")
	waitForChain(t, good)

	kubectlWith(t, configMap("ip-masq-agent-broken", badConfig), "apply", "-f", "-")
	kubectl(t, "patch", "daemonset/ip-masq-agent", "-n", "kube-system", "--patch",
		`{"spec":{"template":{"spec":{"volumes":[{"name":"config-volume","configMap":{"name":"ip-masq-agent-broken"}}]}}}}`)
	// updated returns the nodes with a pod of the invalid configuration.
	updated := func() (found []node, err error) {
		for _, n := range nodes(t) {
			name, err := n.agentPod()
			if err != nil {
				return nil, err
			}
			volumes := kubectl(t, "get", "pod", name, "-n", "kube-system", "-o", "jsonpath={.spec.volumes[*].configMap.name}")
			if volumes == "ip-masq-agent-broken" {
				found = append(found, n)
			}
		}
		return found, nil
	}
	eventually(t, podLimit, func() error { // the update reaches the first node
		if found, err := updated(); err != nil || len(found) == 0 {
			return fmt.Errorf("no node was updated (%v)", err)
		}
		return nil
	})
	kubectlFails(t, "timed out", "rollout", "status", "daemonset/ip-masq-agent", "-n", "kube-system", "--timeout=30s")

	eventually(t, podLimit, func() error { return readyIs(t, len(nodes(t))-1) })
	found, err := updated()
	if err != nil || len(found) != 1 {
		t.Fatalf("the nodes %v were updated (%v), want only the first", found, err)
	}
	checkReason(t, found[0])
	checkChain(t, good)

	kubectl(t, "rollout", "undo", "daemonset/ip-masq-agent", "-n", "kube-system")
	kubectl(t, "rollout", "status", "daemonset/ip-masq-agent", "-n", "kube-system", "--timeout=120s")
	agentReady(t)
	checkChain(t, good)
}

// checkReason checks that an operator finds the reason: "kubectl describe"
// shows that the pod is not ready, and "kubectl logs" shows why.
func checkReason(t *testing.T, n node) {
	t.Helper()
	name, err := n.agentPod()
	if err != nil {
		t.Fatal(err)
	}
	// The kubelet's event follows one probe period after the failure.
	eventually(t, podLimit, func() error {
		described := kubectl(t, "describe", "pod", name, "-n", "kube-system")
		if !strings.Contains(described, "Readiness probe failed") {
			return fmt.Errorf("kubectl describe does not show a failed readiness probe:\n%s", described)
		}
		return nil
	})
	out, err := run("", os.Getenv("KUBECTL"), "logs", name, "-n", "kube-system")
	if err != nil || !strings.Contains(out, "resyscInterval") || !strings.Contains(out, badReason) {
		t.Fatalf("kubectl logs %s (%v) does not contain the key resyscInterval and the suggested key:\n%s", name, err, out)
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, "resyscInterval") {
			t.Logf("%s: %s", n.name, strings.TrimSpace(line))
			return
		}
	}
}
