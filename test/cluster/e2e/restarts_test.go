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

// settled gives a cluster whose nodes have the rules of goodConfig.
func settled(t *testing.T) (rules string) {
	t.Helper()
	needNodes(t)
	freshCluster(t)
	configure(t, goodConfig)
	deploy(t, manifest(t, ourManifest))
	rules = keeps("10.0.0.0/8", "198.51.100.0/24")
	everyNodeGets(t, rules)
	return rules
}

func TestAKilledContainerComesBackAndTheRulesWereNeverWrong(t *testing.T) {
	rules := settled(t)
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

func TestADrainedNodeKeepsItsRulesAndHasThemBackInService(t *testing.T) {
	rules := settled(t)
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
		p.makes(t, []call{{"outside, no kept range", outside203, outsidePort, p.node.ip4}})
	}
}

func TestARestartedKubeletFindsTheRulesRight(t *testing.T) {
	rules := settled(t)
	stop := watch(t, nodes(t), rules)
	for _, n := range nodes(t) {
		old := n.must(t, "cat", "/run/kubelet.pid")
		n.must(t, "kill", strings.TrimSpace(old))
		eventually(t, podLimit, func() error {
			now, err := n.run("cat", "/run/kubelet.pid")
			if err != nil || now == old {
				return fmt.Errorf("the kubelet of %s was not started again: %w", n.name, err)
			}
			// It answers, so it is more than a process.
			_, err = run("", os.Getenv("KUBECTL"), "get", "--raw", "/api/v1/nodes/"+n.name+"/proxy/healthz")
			return err
		})
	}
	agentReady(t)
	stop()
}

func TestARebootedNodeGetsItsRulesBack(t *testing.T) {
	rules := settled(t)
	rebooted := pool(t, "legacy")[0] // another one holds the control plane
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
	t.Logf("%s: rules right %s after it was switched on", rebooted.name, seconds(time.Since(on)))
	agentReady(t)
	stop()
}

// bootID is what tells one life of the node from the next: when its process 1
// started, in clock ticks of this machine, see /proc/PID/stat in proc(5). The
// inode of its namespace may be that of the one before.
func bootID(t *testing.T, n node) uint64 {
	t.Helper()
	out := strings.TrimSpace(n.must(t, "awk", "{ print $22 }", "/proc/1/stat"))
	id, err := strconv.ParseUint(out, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", n.name, err)
	}
	return id
}
