// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// poolManifests has one DaemonSet for the pool nftables and one for the other
// nodes.
const poolManifests = "testdata/pools"

// deployPools applies poolManifests and a configuration, waits until both
// DaemonSets are ready, and returns the node of the pool nftables.
func deployPools(t *testing.T, config string) node {
	t.Helper()
	configure(t, config)
	kubectlWith(t, withOurImage(kubectl(t, "kustomize", poolManifests)), "apply", "-f", "-")
	for _, set := range []string{"daemonset/ip-masq-agent", "daemonset/ip-masq-agent-nftables"} {
		kubectl(t, "rollout", "status", set, "-n", "kube-system", "--timeout=120s")
	}
	return pool(t, nftablesPool)[0]
}

// destinations returns the elements of the map in the agent's table.
func (n node) destinations(family string) ([]string, error) {
	out, err := n.run("nft", "list", "map", family, "ip-masq-agent", "destinations")
	if err != nil {
		return nil, fmt.Errorf("on %s: %w: %s", n.name, err, out)
	}
	return regexp.MustCompile(`[0-9a-f:.]+/\d+ : \w+ \w+`).FindAllString(out, -1), nil
}

// getsDestinations waits until the map has these elements.
func (n node) getsDestinations(t *testing.T, family string, want ...string) {
	t.Helper()
	eventually(t, editLimit, func() error {
		got, err := n.destinations(family)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("the map of %s in family %s (-want +got):\n%s", n.name, family, diff)
		}
		return nil
	})
}

// tables returns all tables of the agent or of kube-proxy, without counters.
func (n node) tables(name string) (string, error) {
	var all string
	for _, family := range []string{"ip", "ip6"} {
		out, err := n.run("nft", "--stateless", "list", "table", family, name)
		if err != nil {
			return "", fmt.Errorf("on %s: %w: %s", n.name, err, out)
		}
		all += out
	}
	return all, nil
}

// counted returns the packet counters of the agent's IPv4 table.
func (n node) counted(t *testing.T) []uint64 {
	t.Helper()
	var all []uint64
	for _, match := range regexp.MustCompile(`counter packets (\d+)`).FindAllStringSubmatch(
		n.must(t, "nft", "list", "table", "ip", "ip-masq-agent"), -1) {
		var packets uint64
		if _, err := fmt.Sscan(match[1], &packets); err != nil {
			t.Fatal(err)
		}
		all = append(all, packets)
	}
	return all
}

// get sends a request to the agent's HTTP server from its node. No other host
// can reach it.
func (n node) get(t *testing.T, path string) string {
	t.Helper()
	return n.must(t, "bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/10292; printf 'GET `+path+` HTTP/1.0\r\n\r\n' >&3; cat <&3`)
}

// agent runs a subcommand in the agent's pod, which must succeed.
func (n node) agent(t *testing.T, args ...string) string {
	t.Helper()
	pod, err := n.agentPod()
	if err != nil {
		t.Fatal(err)
	}
	return kubectl(t, append([]string{"exec", "-n", "kube-system", pod, "--", "/ip-masq-agent"}, args...)...)
}

// TestPoolOnNFTables runs agents with the backend nftables on the nodes of one
// pool, and with iptables on the others.
func TestPoolOnNFTables(t *testing.T) {
	needNodes(t)
	freshCluster(t)
	all := pods(t)
	serviceForEach(t, all)
	t.Cleanup(func() { kubectl(t, "delete", "service", newService, "--ignore-not-found") })
	n := deployPools(t, poolConfig)
	n.getsDestinations(t, "ip", "10.0.0.0/8 : goto kept", "169.254.0.0/16 : goto kept", "198.51.100.0/24 : goto kept")
	n.getsDestinations(t, "ip6", "fd00::/16 : goto kept", "fd99::/64 : goto kept", "fe80::/10 : goto kept")

	t.Run("rules", func(t *testing.T) { onlyATableOfOurOwn(t, n) })
	t.Run("packets", func(t *testing.T) { keptAndMasqueraded(t, all) })
	t.Run("Services", func(t *testing.T) { servicesWorkBothWays(t, all) })
	t.Run("status", func(t *testing.T) { statusNamesTheBackend(t, n) })
	t.Run("doctor and explain", func(t *testing.T) { subcommandsAreRight(t, n, all) })
	t.Run("edit", func(t *testing.T) { anEditArrives(t, n, all) })
	t.Run("kube-proxy", func(t *testing.T) { neitherDisturbsTheOther(t, n, all) })
	t.Run("cleanup", func(t *testing.T) { cleanupRemovesTheTable(t, n, all) })
}

const poolConfig = `
nonMasqueradeCIDRs: [10.0.0.0/8, 198.51.100.0/24, "fd00::/16", "fd99::/64"]
resyncInterval: 1s`

// onlyATableOfOurOwn checks that the node has no rule of the agent that
// iptables would list, and that the other nodes do not have the table.
func onlyATableOfOurOwn(t *testing.T, n node) {
	if out, err := n.run("iptables", "--version"); err == nil {
		t.Errorf("%s has iptables: %s", n.name, out)
	}
	for _, command := range []string{"iptables-nft", "iptables-legacy", "ip6tables-nft", "ip6tables-legacy"} {
		if out, err := n.fromOutside("", command, "-t", "nat", "-S", "IP-MASQ"); err == nil {
			t.Errorf("%s lists the agent's chain on %s:\n%s", command, n.name, out)
		}
	}
	for _, other := range withIPTables(t) {
		if err := other.rulesAre(chain("10.0.0.0/8", "198.51.100.0/24")); err != nil {
			t.Error(err)
		}
		if out, err := other.run("nft", "list", "table", "ip", "ip-masq-agent"); err == nil {
			t.Errorf("%s uses iptables, but it also has the agent's table:\n%s", other.name, out)
		}
	}
}

func keptAndMasqueraded(t *testing.T, all []pod) {
	for i, p := range all {
		other := all[(i+1)%len(all)]
		p.checkCalls(t, []call{
			{"outside, not masqueraded", outside198, outsidePort, p.ip4},
			{"outside, masqueraded", outside203, outsidePort, p.node.ip4},
			{"outside, not masqueraded, IPv6", outsideFD, outsidePort, p.ip6},
			{"outside, masqueraded, IPv6", outside2001, outsidePort, p.node.ip6},
			{"a pod on another node", other.ip4, podPort, p.ip4},
			{"a pod on another node, IPv6", other.ip6, podPort, p.ip6},
			{"its own node", p.node.ip4, hostPort, p.ip4},
		})
	}
}

func statusNamesTheBackend(t *testing.T, n node) {
	ready := n.get(t, "/readyz")
	if status, _, _ := strings.Cut(ready, "\r\n"); !strings.HasSuffix(status, " 200 OK") {
		t.Errorf("/readyz on %s:\n%s", n.name, ready)
	}
	metrics := n.get(t, "/metrics")
	for _, family := range []string{"IPv4", "IPv6"} {
		if want := `ip_masq_agent_backend{backend="nftables",chain="IP-MASQ",family="` + family + `"} 1`; !strings.Contains(metrics, want) {
			t.Errorf("/metrics on %s has no line %s:\n%s", n.name, want, metrics)
		}
	}
}
