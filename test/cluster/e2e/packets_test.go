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

// The hosts outside, which the harness's network.sh makes: one whose range
// pods keep their address to by default, and documentation ranges.
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

// pod is an ordinary pod: on a bridge, with addresses of its own.
type pod struct {
	name     string
	node     node
	ip4, ip6 string
}

// pods gives one pod for each node, in the nodes' order.
func pods(t *testing.T) []pod {
	t.Helper()
	kubectl(t, "apply", "-f", serviceProbe)
	for _, set := range []string{"daemonset/pod", "daemonset/host"} {
		kubectl(t, "rollout", "status", set, "--timeout=120s")
	}
	var all []pod
	for _, n := range nodes(t) {
		// The outside host has to reach it: after a reboot the API server tells
		// a pod's old address for a while.
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

// seenBy is the source address that a server saw when the pod called it.
func (p pod) seenBy(t *testing.T, host, port string) string {
	t.Helper()
	got, err := p.seenByEach(net.JoinHostPort(host, port))
	if err != nil {
		t.Fatal(err)
	}
	return got[0]
}

// seenByEach calls each of the servers, one after another, and returns the
// source addresses that they saw, or in their place why a call failed. The
// error is that of any call.
func (p pod) seenByEach(servers ...string) ([]string, error) {
	out, err := run("", os.Getenv("KUBECTL"), append([]string{"exec", p.name, "--", "/probe", "dial"}, servers...)...)
	lines := strings.Split(out, "\n")
	if err != nil {
		err = fmt.Errorf("from the pod on %s: %w: %s", p.node.name, err, out)
	}
	if len(lines) < len(servers) {
		return nil, errors.Join(err, fmt.Errorf("%d answers to %d calls", len(lines), len(servers)))
	}
	return lines[:len(servers)], err // kubectl's own line about a failure follows
}

// call is one connection of a pod, and the address it should come from.
type call struct{ what, host, port, from string }

func (p pod) makes(t *testing.T, calls []call) {
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
	t.Logf("%s: %d of %d connections came from where they should", p.node.name, right, len(calls))
}

func TestAPodKeepsItsAddressWhereTheFileSaysSo(t *testing.T) {
	needNodes(t)
	freshCluster(t)
	all := pods(t)
	configure(t, `
nonMasqueradeCIDRs: [10.0.0.0/8, 198.51.100.0/24, "fd99::/64", "fd00:244::/48"]
resyncInterval: 1s`)
	deploy(t, manifest(t, ourManifest, "--enable-ipv6"))
	everyNodeGets(t, keeps("10.0.0.0/8", "198.51.100.0/24"))

	for i, p := range all {
		other := all[(i+1)%len(all)]
		p.makes(t, []call{
			{"outside, a kept range", outside10, outsidePort, p.ip4},
			{"outside, another kept range", outside198, outsidePort, p.ip4},
			{"outside, no kept range", outside203, outsidePort, p.node.ip4},
			{"outside, a kept range of IPv6", outsideFD, outsidePort, p.ip6},
			{"outside, no kept range of IPv6", outside2001, outsidePort, p.node.ip6},
			{"the pod on the other node", other.ip4, podPort, p.ip4},
			{"the pod on the other node, IPv6", other.ip6, podPort, p.ip6},
			{"the other node", other.node.ip4, hostPort, p.ip4},
			{"its own node", p.node.ip4, hostPort, p.ip4},
			{"its own node, IPv6", p.node.ip6, hostPort, p.ip6},
		})
	}
}

func TestAPodIsMasqueradedEverywhereButOnItsOwnNodeWhenNothingIsKept(t *testing.T) {
	needNodes(t)
	freshCluster(t)
	all := pods(t)
	configure(t, "nonMasqueradeCIDRs: []\nresyncInterval: 1s")
	deploy(t, manifest(t, ourManifest, "--enable-ipv6"))
	everyNodeGets(t, keeps())

	for i, p := range all {
		other := all[(i+1)%len(all)].node
		p.makes(t, []call{
			{"outside", outside10, outsidePort, p.node.ip4},
			{"outside, IPv6", outsideFD, outsidePort, p.node.ip6},
			{"the other node", other.ip4, hostPort, p.node.ip4},
			{"the other node, IPv6", other.ip6, hostPort, p.node.ip6},
			{"its own node", p.node.ip4, hostPort, p.ip4},
			{"its own node, IPv6", p.node.ip6, hostPort, p.ip6},
		})
	}
}

func TestAnEditDecidesTheNextConnection(t *testing.T) {
	needNodes(t)
	freshCluster(t)
	all := pods(t)
	deploy(t, manifest(t, ourManifest))
	everyNodeGets(t, defaults())
	for _, p := range all {
		p.makes(t, []call{{"outside, by default masqueraded", outside198, outsidePort, p.node.ip4}})
	}
	configure(t, "nonMasqueradeCIDRs: [198.51.100.0/24]")
	everyNodeGets(t, keeps("198.51.100.0/24"))
	for _, p := range all {
		p.makes(t, []call{{"outside, kept since the edit", outside198, outsidePort, p.ip4}})
	}
}

// outsideSees is the source that a server in the cluster saw when the host
// outside called it.
func outsideSees(host, port string) (string, error) {
	out, err := run("", os.Getenv("E2E_OUTSIDE"), "dial", net.JoinHostPort(host, port))
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return strings.TrimSpace(out), nil
}
