// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
)

// nodePort is the port of the Service in testdata/pods.yaml.
const nodePort = "30080"

// TestServicesWorkBesideTheAgent calls a Service and a node port of kube-proxy
// while the agent runs.
func TestServicesWorkBesideTheAgent(t *testing.T) {
	needNodes(t)
	freshCluster(t)
	all := pods(t)
	configure(t, `
nonMasqueradeCIDRs: [10.0.0.0/8, "fd00::/16"]
resyncInterval: 1s`)
	deploy(t, manifest(t, ourManifest, "--enable-ipv6"))
	waitForChain(t, chain("10.0.0.0/8"))

	servicesWork(t, all)
	for _, n := range nodes(t) {
		jumps := []string{"-j KUBE-POSTROUTING", ourJump}
		if n.pool == nftablesPool {
			jumps = jumps[1:]
			n.must(t, "nft", "list", "chain", "ip", "kube-proxy", "nat-postrouting")
		}
		post := strings.Join(n.postrouting(t), "\n")
		for _, jump := range jumps {
			if strings.Count(post, jump) != 1 {
				t.Errorf("%s: want one rule with %q in POSTROUTING:\n%s", n.name, jump, post)
			}
		}
	}
}

// servicesWork calls the Service from each pod over both families, and from
// outside through each node.
func servicesWork(t *testing.T, all []pod) {
	t.Helper()
	addresses := strings.Fields(kubectl(t, "get", "service", "pod", "-o", "jsonpath={.spec.clusterIPs[0]} {.spec.clusterIPs[1]}"))
	if len(addresses) != 2 {
		t.Fatalf("the Service has the addresses %q, want two", addresses)
	}
	for _, p := range all {
		for i, own := range []string{p.ip4, p.ip6} {
			// kube-proxy masquerades a call that it sends back to the calling
			// pod. Other pods see the pod's address. Eight calls most likely
			// reach all pods.
			var sources []string
			eventually(t, podLimit, func() (err error) { // kube-proxy may not know the pods yet
				sources, err = p.seenByEach(slices.Repeat([]string{net.JoinHostPort(addresses[i], "80")}, 8)...)
				return err
			})
			for _, from := range sources {
				if from != own && from != bridgeAddress(own) {
					t.Errorf("the Service %s saw the pod %s on %s as %s", addresses[i], own, p.node.name, from)
				}
			}
		}
		for _, host := range []string{p.node.ip4, p.node.ip6} {
			eventually(t, podLimit, func() error {
				_, err := outsideSees(host, nodePort)
				return err
			})
		}
	}
	t.Log("the Service works from each pod and from outside, in both families")
}

// bridgeAddress returns the address of the bridge to which the pod is
// connected.
func bridgeAddress(ip string) string {
	return ip[:strings.LastIndexAny(ip, ".:")+1] + "1"
}

// TestKubeProxyResyncDoesNotChangeTheAgentsRules makes kube-proxy write all its
// rules again. The agent's rules and their counters stay.
func TestKubeProxyResyncDoesNotChangeTheAgentsRules(t *testing.T) {
	needNodes(t)
	freshCluster(t)
	all := pods(t)
	configure(t, "nonMasqueradeCIDRs: [10.0.0.0/8]\nresyncInterval: 1s")
	deploy(t, manifest(t, ourManifest))
	waitForChain(t, chain("10.0.0.0/8"))
	for _, p := range all {
		p.seenBy(t, outside203, outsidePort) // so that counters are not zero
	}

	for _, n := range nodes(t) {
		before := n.packets(t)
		if slices.Max(before) == 0 {
			t.Fatalf("%s has counted no packet: %v", n.name, before)
		}
		stop := watch(t, []node{n}, chain("10.0.0.0/8"))
		n.makeKubeProxyResync(t)
		stop()
		after := n.packets(t)
		for i := range before {
			if after[i] < before[i] {
				t.Errorf("%s: the chain was written again: counters %v, then %v", n.name, before, after)
			}
		}
	}
	servicesWork(t, all)
}

// makeKubeProxyResync deletes the chains whose absence makes kube-proxy write
// all its rules, and some of the rules, and waits until it has written them.
func (n node) makeKubeProxyResync(t *testing.T) {
	t.Helper()
	if n.pool == nftablesPool {
		n.restartKubeProxy(t)
		return
	}
	const canary = "-X KUBE-PROXY-CANARY\nCOMMIT\n"
	n.restore(t, "*mangle\n"+canary+"*filter\n"+canary+"*nat\n-F KUBE-SERVICES\n"+canary)
	eventually(t, podLimit, func() error {
		out, err := n.run("iptables", "-w", "-t", "nat", "-S", "KUBE-SERVICES")
		if err != nil || !strings.Contains(out, "default/pod") {
			return fmt.Errorf("on %s kube-proxy has not written its Services again: %w\n%s", n.name, err, out)
		}
		return nil
	})
}

// restore gives rules to the node's iptables-restore. Each table is one commit, so
// that no other program writes in between.
func (n node) restore(t *testing.T, rules string) {
	t.Helper()
	if out, err := n.runWith(rules, "iptables-restore", "-w", "--noflush"); err != nil {
		t.Fatalf("on %s: %v\n%s\n%s", n.name, err, out, rules)
	}
}

// TestFlushedTablesAreRestored flushes all tables, as a reload of a firewall
// may do. The agent and kube-proxy both restore their rules.
func TestFlushedTablesAreRestored(t *testing.T) {
	needNodes(t)
	freshCluster(t)
	all := pods(t)
	configure(t, "nonMasqueradeCIDRs: [10.0.0.0/8]\nresyncInterval: 1s")
	deploy(t, manifest(t, ourManifest))
	waitForChain(t, chain("10.0.0.0/8"))

	for _, n := range withIPTables(t) {
		n.restore(t, "*mangle\n-F\n-X\nCOMMIT\n*filter\n-F\n-X\nCOMMIT\n*nat\n-F\n-X\nCOMMIT\n")
	}
	for _, n := range pool(t, nftablesPool) {
		n.must(t, "nft", "flush", "ruleset")
		n.restartKubeProxy(t) // in its nftables mode it does not check whether its rules exist
	}
	waitForChain(t, chain("10.0.0.0/8"))
	for _, n := range nodes(t) {
		eventually(t, podLimit, func() error {
			_, err := outsideSees(n.ip4, nodePort)
			return err
		})
	}
	for _, p := range all {
		p.checkCalls(t, []call{
			{"outside, masqueraded", outside203, outsidePort, p.node.ip4},
			{"outside, not masqueraded", outside10, outsidePort, p.ip4},
		})
	}
	servicesWork(t, all)
}
