// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// deployGood deploys the agent with goodConfig and waits for its rules.
func deployGood(t *testing.T) (rules string) {
	t.Helper()
	needNodes(t)
	freshCluster(t)
	configure(t, goodConfig)
	deploy(t, manifest(t, ourManifest))
	rules = chain("10.0.0.0/8", "198.51.100.0/24")
	waitForChain(t, rules)
	return rules
}

// TestKilledContainerRestartsWithRightRules kills the agent's containers. They
// are restarted, and the rules are right all the time.
func TestKilledContainerRestartsWithRightRules(t *testing.T) {
	rules := deployGood(t)
	stop := watch(t, nodes(t), rules)
	for _, n := range nodes(t) {
		pod, err := n.agentPod()
		if err != nil {
			t.Fatal(err)
		}
		id := kubectl(t, "get", "pod", pod, "-n", "kube-system", "-o", "jsonpath={.status.containerStatuses[0].containerID}")
		n.must(t, "ctr", "-n", "k8s.io", "tasks", "kill", "-s", "SIGKILL", strings.TrimPrefix(id, "containerd://"))
		eventually(t, podLimit, func() error {
			restarts := kubectl(t, "get", "pod", pod, "-n", "kube-system", "-o", "jsonpath={.status.containerStatuses[0].restartCount}")
			if restarts != "1" {
				return fmt.Errorf("%s was restarted %s times, want once", pod, restarts)
			}
			return nil
		})
	}
	agentReady(t)
	stop()
}

// TestDrainedNodeKeepsItsRules drains each node and uses it again. The rules
// are right all the time.
func TestDrainedNodeKeepsItsRules(t *testing.T) {
	rules := deployGood(t)
	kubectl(t, "create", "deployment", "traveller", "--image=localhost/probe:e2e", "--replicas=2", "--", "/probe", "pause")
	t.Cleanup(func() { kubectl(t, "delete", "deployment", "traveller", "--now") })
	kubectl(t, "rollout", "status", "deployment/traveller", "--timeout=120s")
	stop := watch(t, nodes(t), rules)
	for _, n := range nodes(t) {
		kubectl(t, "drain", n.name, "--ignore-daemonsets", "--timeout=120s")
		left := kubectl(t, "get", "pods", "-l", "app=traveller", "--field-selector", "spec.nodeName="+n.name, "-o", "name")
		if left != "" {
			t.Errorf("%s was drained and still runs %s", n.name, left)
		}
		kubectl(t, "uncordon", n.name)
		kubectl(t, "rollout", "status", "deployment/traveller", "--timeout=120s")
	}
	agentReady(t)
	stop()
	for _, p := range pods(t) {
		p.checkCalls(t, []call{{"outside, no kept range", outside203, outsidePort, p.node.ip4}})
	}
}

// TestKubeletRestartDoesNotChangeRules restarts the kubelets.
func TestKubeletRestartDoesNotChangeRules(t *testing.T) {
	rules := deployGood(t)
	stop := watch(t, nodes(t), rules)
	for _, n := range nodes(t) {
		old := n.must(t, "cat", "/run/kubelet.pid")
		n.must(t, "kill", strings.TrimSpace(old))
		eventually(t, podLimit, func() error {
			now, err := n.run("cat", "/run/kubelet.pid")
			if err != nil || now == old {
				return fmt.Errorf("the kubelet of %s was not started again: %w", n.name, err)
			}
			// It answers requests, so it has started.
			_, err = run("", os.Getenv("KUBECTL"), "get", "--raw", "/api/v1/nodes/"+n.name+"/proxy/healthz")
			return err
		})
	}
	agentReady(t)
	stop()
}

// TestRebootedNodeGetsItsRules reboots a node. It gets its rules again, and
// those of the other nodes stay.
func TestRebootedNodeGetsItsRules(t *testing.T) {
	rules := deployGood(t)
	rebooted := pool(t, "legacy")[0] // the control plane is on another node
	others := slices.DeleteFunc(nodes(t), func(n node) bool { return n == rebooted })
	before := bootID(t, rebooted)
	stop := watch(t, others, rules)

	if out, err := run("", os.Getenv("E2E_NODE"), "reboot", rebooted.name); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	on := time.Now()
	if bootID(t, rebooted) == before {
		t.Fatalf("%s was not rebooted", rebooted.name)
	}
	eventually(t, podLimit, func() error { return rebooted.rulesAre(rules) })
	t.Logf("%s: the rules were in force %s after the reboot", rebooted.name, seconds(time.Since(on)))
	agentReady(t)
	stop()
}

// bootID identifies the boot of a node: it is the time at which its process 1
// started, in clock ticks, see /proc/PID/stat in proc(5). The inode of its
// namespace may be that of the previous boot.
func bootID(t *testing.T, n node) uint64 {
	t.Helper()
	out := strings.TrimSpace(n.must(t, "awk", "{ print $22 }", "/proc/1/stat"))
	id, err := strconv.ParseUint(out, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", n.name, err)
	}
	return id
}
