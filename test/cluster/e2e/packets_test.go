// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// Addresses of the host outside, which network.sh of the harness creates. One
// is in a default CIDR, the others are in ranges for documentation.
const (
	outside10    = "10.99.0.1"
	outside198   = "198.51.100.1"
	outside203   = "203.0.113.1"
	outsideFD    = "fd99::1"
	outside2001  = "2001:db8::1"
	outsidePort  = "8080"
	podPort      = "8080"
	hostPort     = "8081"
	serviceProbe = "testdata/pods.yaml"
)

// pod is an ordinary pod, connected to a bridge.
type pod struct {
	name     string
	node     node
	ip4, ip6 string
}

// pods returns one pod for each node, in the order of the nodes.
func pods(t *testing.T) []pod {
	t.Helper()
	kubectl(t, "apply", "-f", serviceProbe)
	for _, set := range []string{"daemonset/pod", "daemonset/host"} {
		kubectl(t, "rollout", "status", set, "--timeout=120s")
	}
	var all []pod
	for _, n := range nodes(t) {
		// The outside host must reach the pod: after a reboot the API server
		// returns the pod's old address for a while.
		eventually(t, podLimit, func() error {
			out := kubectl(t, "get", "pods", "-l", "app=pod", "--field-selector", "spec.nodeName="+n.name,
				"-o", "jsonpath={.items[0].metadata.name} {.items[0].status.podIPs[*].ip}")
			f := strings.Fields(out)
			if len(f) != 3 {
				return fmt.Errorf("the pod on %s: want a name and two addresses, got %q", n.name, out)
			}
			for _, ip := range f[1:] {
				if _, err := outsideSees(ip, podPort); err != nil {
					return err
				}
			}
			all = append(all, pod{name: f[0], node: n, ip4: f[1], ip6: f[2]})
			return nil
		})
	}
	return all
}

// seenBy makes a connection from the pod and returns the source address that
// the server saw.
func (p pod) seenBy(t *testing.T, host, port string) string {
	t.Helper()
	got, err := p.seenByEach(net.JoinHostPort(host, port))
	if err != nil {
		t.Fatal(err)
	}
	return got[0]
}

// seenByEach makes a connection to each of the servers in turn and returns the
// source addresses that they saw, or why a call failed. The error is that of
// any call.
func (p pod) seenByEach(servers ...string) ([]string, error) {
	out, err := run("", os.Getenv("KUBECTL"), append([]string{"exec", p.name, "--", "/probe", "dial"}, servers...)...)
	lines := strings.Split(out, "\n")
	if err != nil {
		err = fmt.Errorf("from the pod on %s: %w: %s", p.node.name, err, out)
	}
	if len(lines) < len(servers) {
		return nil, errors.Join(err, fmt.Errorf("%d answers to %d calls", len(lines), len(servers)))
	}
	return lines[:len(servers)], err // after these, kubectl prints a line about a failure
}

// call is one connection of a pod and its expected source address.
type call struct{ what, host, port, from string }

func (p pod) checkCalls(t *testing.T, calls []call) {
	t.Helper()
	servers := make([]string, len(calls))
	for i, c := range calls {
		servers[i] = net.JoinHostPort(c.host, c.port)
	}
	sources, err := p.seenByEach(servers...)
	if sources == nil {
		t.Fatal(err)
	}
	right := 0
	for i, c := range calls {
		if sources[i] == c.from {
			right++
		} else {
			t.Errorf("%s (%s), from the pod %s on %s: came from %s, want %s", c.what, c.host, p.ip4, p.node.name, sources[i], c.from)
		}
	}
	t.Logf("%s: %d of %d connections had the expected source", p.node.name, right, len(calls))
}

// TestPacketsKeptAndMasqueraded checks the source addresses of pods'
// connections inside and outside of nonMasqueradeCIDRs.
func TestPacketsKeptAndMasqueraded(t *testing.T) {
	needNodes(t)
	freshCluster(t)
	all := pods(t)
	configure(t, `
nonMasqueradeCIDRs: [10.0.0.0/8, 198.51.100.0/24, "fd99::/64", "fd00:244::/48"]
resyncInterval: 1s`)
	deploy(t, manifest(t, ourManifest, "--enable-ipv6"))
	waitForChain(t, chain("10.0.0.0/8", "198.51.100.0/24"))

	for i, p := range all {
		other := all[(i+1)%len(all)]
		p.checkCalls(t, []call{
			{"outside, not masqueraded", outside10, outsidePort, p.ip4},
			{"outside, another CIDR that is not masqueraded", outside198, outsidePort, p.ip4},
			{"outside, masqueraded", outside203, outsidePort, p.node.ip4},
			{"outside, not masqueraded, IPv6", outsideFD, outsidePort, p.ip6},
			{"outside, masqueraded, IPv6", outside2001, outsidePort, p.node.ip6},
			{"the pod on the other node", other.ip4, podPort, p.ip4},
			{"the pod on the other node, IPv6", other.ip6, podPort, p.ip6},
			{"the other node", other.node.ip4, hostPort, p.ip4},
			{"its own node", p.node.ip4, hostPort, p.ip4},
			{"its own node, IPv6", p.node.ip6, hostPort, p.ip6},
		})
	}
}

// TestEmptyNonMasqueradeCIDRs checks that with an empty list everything is
// masqueraded except connections to the pod's own node.
func TestEmptyNonMasqueradeCIDRs(t *testing.T) {
	needNodes(t)
	freshCluster(t)
	all := pods(t)
	configure(t, "nonMasqueradeCIDRs: []\nresyncInterval: 1s")
	deploy(t, manifest(t, ourManifest, "--enable-ipv6"))
	waitForChain(t, chain())

	for i, p := range all {
		other := all[(i+1)%len(all)].node
		p.checkCalls(t, []call{
			{"outside", outside10, outsidePort, p.node.ip4},
			{"outside, IPv6", outsideFD, outsidePort, p.node.ip6},
			{"the other node", other.ip4, hostPort, p.node.ip4},
			{"the other node, IPv6", other.ip6, hostPort, p.node.ip6},
			{"its own node", p.node.ip4, hostPort, p.ip4},
			{"its own node, IPv6", p.node.ip6, hostPort, p.ip6},
		})
	}
}

// TestEditAffectsTheNextConnection checks that the next connection after an
// edit follows the new rules.
func TestEditAffectsTheNextConnection(t *testing.T) {
	needNodes(t)
	freshCluster(t)
	all := pods(t)
	deploy(t, manifest(t, ourManifest))
	waitForChain(t, defaultChain())
	for _, p := range all {
		p.checkCalls(t, []call{{"outside, masqueraded by default", outside198, outsidePort, p.node.ip4}})
	}
	configure(t, "nonMasqueradeCIDRs: [198.51.100.0/24]")
	waitForChain(t, chain("198.51.100.0/24"))
	for _, p := range all {
		p.checkCalls(t, []call{{"outside, not masqueraded since the edit", outside198, outsidePort, p.ip4}})
	}
}

// outsideSees makes a connection from the host outside and returns the source
// that the server in the cluster saw.
func outsideSees(host, port string) (string, error) {
	out, err := run("", os.Getenv("E2E_OUTSIDE"), "dial", net.JoinHostPort(host, port))
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return strings.TrimSpace(out), nil
}
