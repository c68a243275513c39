// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// resyncInterval is the default of one minute, so the test measures how fast
// the agent notices a change of the file, and not the next resync.
func TestEditReachesTheKernelInTwoSeconds(t *testing.T) {
	needNodes(t)
	freshCluster(t)
	configure(t, "nonMasqueradeCIDRs: [192.0.2.0/32]\nresyncInterval: 60s")
	deploy(t, manifest(t, ourManifest))
	waitForChain(t, chain("192.0.2.0/32"))

	all := nodes(t)
	var shares []time.Duration
	t.Logf("%-6s %-6s  %-13s  %-17s  %s", "edit", "node", "apply→kernel", "of which kubelet", "agent")
	for i := 1; i <= 5; i++ {
		cidr := fmt.Sprintf("192.0.2.%d/32", i)
		applied := time.Now()
		configure(t, "nonMasqueradeCIDRs: ["+cidr+"]\nresyncInterval: 60s")
		inKernel := timesInKernel(t, all, chain(cidr))
		for j, n := range all {
			inPod := n.configWritten(t)
			agent := inKernel[j].Sub(inPod)
			shares = append(shares, agent)
			t.Logf("%-6d %-6s  %-12s  %-16s  %s", i, n.name,
				seconds(inKernel[j].Sub(applied)), seconds(inPod.Sub(applied)), seconds(agent))
		}
	}
	slices.Sort(shares)
	median := shares[len(shares)/2]
	t.Logf("the agent's share: median %s, longest %s", seconds(median), seconds(shares[len(shares)-1]))
	if median > 2*time.Second {
		t.Errorf("the agent's share of an edit is %v in the median, want at most 2 s", median)
	}
}

// timesInKernel waits for the chain on each node and returns when it was there.
func timesInKernel(t *testing.T, all []node, want string) []time.Time {
	t.Helper()
	times := make([]time.Time, len(all))
	var wg sync.WaitGroup
	for i, n := range all {
		wg.Go(func() {
			for end := time.Now().Add(editLimit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
				out, err := n.iptables("-t", "nat", "-S", "IP-MASQ")
				if err == nil && withoutWarnings(out) == want {
					times[i] = time.Now()
					return
				}
			}
		})
	}
	wg.Wait()
	for i, at := range times {
		if at.IsZero() {
			t.Fatalf("the edit did not reach the kernel of %s in %v", all[i].name, editLimit)
		}
	}
	return times
}

// configWritten returns when the kubelet wrote the current ConfigMap to the
// agent's pod, which is the time at which it renamed the link ..data.
func (n node) configWritten(t *testing.T) time.Time {
	t.Helper()
	name, err := n.agentPod()
	if err != nil {
		t.Fatal(err)
	}
	uid := kubectl(t, "get", "pod", name, "-n", "kube-system", "-o", "jsonpath={.metadata.uid}")
	out := n.must(t, "sh", "-c", "stat -c %.9Y /var/lib/kubelet/pods/"+uid+"/volumes/kubernetes.io~configmap/*/..data")
	s, ns, _ := strings.Cut(strings.TrimSpace(out), ".")
	sec, err1 := strconv.ParseInt(s, 10, 64)
	nsec, err2 := strconv.ParseInt(ns, 10, 64)
	if err1 != nil || err2 != nil {
		t.Fatalf("parsing the time of ..data on %s: %q", n.name, out)
	}
	return time.Unix(sec, nsec)
}
