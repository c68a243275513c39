// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// firstNodePort is the first of those that serviceForEach takes.
const firstNodePort = 30081

// serviceForEach makes a Service for each pod, so that whoever calls it knows
// the node of either end.
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

// servicesWorkBothWays calls from a pod of the pool nftables the Service of a
// pod elsewhere, and the other way round.
func servicesWorkBothWays(t *testing.T, all []pod) {
	t.Helper()
	for i, p := range all {
		to := (i + 1) % len(all)
		server, port := all[to], fmt.Sprint(firstNodePort+to)
		if p.node.pool != nftablesPool && server.node.pool != nftablesPool {
			continue
		}
		for ip, own := range map[string]string{server.clusterIP(t, 0): p.ip4, server.clusterIP(t, 1): p.ip6} {
			eventually(t, podLimit, func() error { return p.reaches(ip, "80", own) })
		}
		for _, n := range []node{p.node, server.node} {
			// A node that sends a call for its port to another one masquerades
			// it; that it does so is kube-proxy's work.
			eventually(t, podLimit, func() error { return p.reaches(n.ip4, port, "") })
			eventually(t, podLimit, func() error { return p.reaches(n.ip6, port, "") })
		}
		if from, err := outsideSees(p.node.ip4, port); err != nil || from != p.node.ip4 {
			t.Errorf("from outside through %s to the pod on %s: came from %q, want %s (%v)", p.node.name, server.node.name, from, p.node.ip4, err)
		}
	}
}

// clusterIP is one of the addresses of the Service whose only pod this is.
func (p pod) clusterIP(t *testing.T, i int) string {
	t.Helper()
	return kubectl(t, "get", "service", "only-"+p.node.name, "-o", fmt.Sprintf("jsonpath={.spec.clusterIPs[%d]}", i))
}

// reaches complains unless a server answers the pod that it comes from that
// address, or, if that is empty, from any.
func (p pod) reaches(host, port, from string) error {
	got, err := run("", os.Getenv("KUBECTL"), p.dials(host, port)...)
	if err != nil {
		return fmt.Errorf("from the pod on %s: %w: %s", p.node.name, err, got)
	}
	if got = strings.TrimSpace(got); from != "" && got != from {
		return fmt.Errorf("%s port %s, from the pod on %s: came from %s, want %s", host, port, p.node.name, got, from)
	}
	return nil
}

// newService is one that kube-proxy does not know yet.
const newService = "resync"

// deleteKubeProxyTables deletes the tables of kube-proxy, and waits until it
// has written them again. In its mode nftables it finds out with the next change
// of a Service, which fails.
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

// restartKubeProxy ends kube-proxy, without its rules if they are still there,
// and waits until another one has written them.
func (n node) restartKubeProxy(t *testing.T) {
	t.Helper()
	for _, family := range []string{"ip", "ip6"} {
		table := "table " + family + " kube-proxy"
		if out, err := n.runWith("add "+table+"\ndelete "+table+"\n", "nft", "-f", "-"); err != nil {
			t.Fatalf("on %s: %v\n%s", n.name, err, out)
		}
	}
	n.must(t, "kill", strings.TrimSpace(n.must(t, "cat", "/run/kube-proxy.pid")))
	n.hasServices(t)
}

// hasServices waits until kube-proxy's tables have the Service of pods.yaml.
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
