// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// firstNodePort is the first node port that serviceForEach uses.
const firstNodePort = 30081

// serviceForEach creates a Service for each pod, so that the test knows the
// nodes on both ends of a call.
func serviceForEach(t *testing.T, all []pod) {
	t.Helper()
	for i, p := range all {
		kubectl(t, "label", "pod", p.name, "--overwrite", "only="+p.node.name)
		kubectlWith(t, fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: only-%[1]s}
spec:
  type: NodePort
  ipFamilyPolicy: RequireDualStack
  selector: {only: %[1]s}
  ports: [{port: 80, targetPort: 8080, nodePort: %[2]d}]
`, p.node.name, firstNodePort+i), "apply", "-f", "-")
		t.Cleanup(func() { kubectl(t, "delete", "service", "only-"+p.node.name, "--ignore-not-found") })
	}
}

// servicesWorkBothWays calls Services from pods in the pool nftables to pods
// elsewhere, and in the other direction.
func servicesWorkBothWays(t *testing.T, all []pod) {
	t.Helper()
	for i, p := range all {
		to := (i + 1) % len(all)
		server, port := all[to], fmt.Sprint(firstNodePort+to)
		if p.node.pool != nftablesPool && server.node.pool != nftablesPool {
			continue
		}
		service := strings.Fields(kubectl(t, "get", "service", "only-"+server.node.name, "-o", "jsonpath={.spec.clusterIPs[0]} {.spec.clusterIPs[1]}"))
		servers := []string{net.JoinHostPort(service[0], "80"), net.JoinHostPort(service[1], "80")}
		// A call to a node port may come from any address, because kube-proxy
		// masquerades some of them.
		for _, ip := range []string{p.node.ip4, p.node.ip6, server.node.ip4, server.node.ip6} {
			servers = append(servers, net.JoinHostPort(ip, port))
		}
		eventually(t, podLimit, func() error {
			sources, err := p.seenByEach(servers...)
			if err != nil {
				return err
			}
			if diff := cmp.Diff([]string{p.ip4, p.ip6}, sources[:2]); diff != "" {
				return fmt.Errorf("the Service only-%s, from the pod on %s: came from (-want +got):\n%s", server.node.name, p.node.name, diff)
			}
			return nil
		})
		if from, err := outsideSees(p.node.ip4, port); err != nil || from != p.node.ip4 {
			t.Errorf("from outside through %s to the pod on %s: came from %q, want %s (%v)", p.node.name, server.node.name, from, p.node.ip4, err)
		}
	}
}

// newService is a Service that kube-proxy does not know yet.
const newService = "resync"

// deleteKubeProxyTables deletes the tables of kube-proxy and waits until it has
// written them again. In its nftables mode kube-proxy notices that when it
// writes the next change of a Service.
func (n node) deleteKubeProxyTables(t *testing.T) {
	t.Helper()
	for _, family := range []string{"ip", "ip6"} {
		n.must(t, "nft", "delete", "table", family, "kube-proxy")
	}
	kubectlWith(t, `apiVersion: v1
kind: Service
metadata: {name: `+newService+`}
spec: {ipFamilyPolicy: RequireDualStack, ports: [{port: 80}]}
`, "apply", "-f", "-")
	n.hasServices(t)
}

// restartKubeProxy ends kube-proxy, deletes its rules, and waits until a new
// one has written them. It stops the old one first, which could write them again.
func (n node) restartKubeProxy(t *testing.T) {
	t.Helper()
	pid := n.stopKubeProxy(t)
	for _, family := range []string{"ip", "ip6"} {
		table := "table " + family + " kube-proxy"
		if out, err := n.runWith("add "+table+"\ndelete "+table+"\n", "nft", "-f", "-"); err != nil {
			t.Fatalf("on %s: %v\n%s", n.name, err, out)
		}
	}
	n.must(t, "kill", "-KILL", pid)
	n.hasServices(t)
}

// pauseKubeProxy stops kube-proxy until the end of the test. After its start it
// may write its tables more than once, so only while it is stopped does a
// change of them come from another program.
func (n node) pauseKubeProxy(t *testing.T) {
	t.Helper()
	pid := n.stopKubeProxy(t)
	t.Cleanup(func() { n.must(t, "kill", "-CONT", pid) })
}

// stopKubeProxy stops kube-proxy with SIGSTOP, waits until the commands end that it
// runs, and returns its process ID.
func (n node) stopKubeProxy(t *testing.T) (pid string) {
	t.Helper()
	pid = strings.TrimSpace(n.must(t, "cat", "/run/kube-proxy.pid"))
	n.must(t, "kill", "-STOP", pid)
	eventually(t, podLimit, func() error {
		// ps exits with 1 if there is no process. A zombie (state Z) has ended.
		children, _ := n.run("ps", "--ppid", pid, "-o", "stat=,args=")
		for child := range strings.Lines(children) {
			if !strings.HasPrefix(child, "Z") {
				return fmt.Errorf("on %s kube-proxy is stopped, but it still runs %s", n.name, child)
			}
		}
		return nil
	})
	return pid
}

// hasServices waits until kube-proxy's tables contain the Service of pods.yaml.
func (n node) hasServices(t *testing.T) {
	t.Helper()
	eventually(t, podLimit, func() error {
		for _, family := range []string{"ip", "ip6"} {
			out, err := n.run("nft", "list", "map", family, "kube-proxy", "service-nodeports")
			if err != nil || !strings.Contains(out, nodePort) {
				return fmt.Errorf("on %s kube-proxy has not written its Services again: %w\n%s", n.name, err, out)
			}
		}
		return nil
	})
}
