// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// subcommandsAreRight checks doctor and explain on a node where kube-proxy
// masquerades in its own nftables table: doctor must find nothing, and explain
// must say what packets show.
func subcommandsAreRight(t *testing.T, n node, all []pod) {
	findings := n.agent(t, "doctor")
	t.Logf("%s# ip-masq-agent doctor\n%s", n.name, findings)
	for _, want := range []string{
		"the backend is nftables",
		"IPv4: table ip-masq-agent is as the file says",
		"IPv6: table ip-masq-agent is as the file says",
		"errors: 0, warnings: 0, could not be checked: 0\n",
	} {
		if !strings.Contains(findings, want) {
			t.Errorf("the output of doctor does not contain %q", want)
		}
	}
	p := all[slices.IndexFunc(all, func(p pod) bool { return p.node == n })]
	for _, c := range []struct{ source, destination, want string }{
		{p.ip4, outside10, "keeps the pod's address (not masqueraded)"},
		{p.ip4, outside198, "keeps the pod's address (not masqueraded)"},
		{p.ip4, outside203, "leaves with the node's address (masqueraded)"},
		{p.ip4, all[0].ip4, "keeps the pod's address (not masqueraded)"},
		{p.ip6, outsideFD, "keeps the pod's address (not masqueraded)"},
		{p.ip6, outside2001, "leaves with the node's address (masqueraded)"},
	} {
		answer := n.agent(t, "explain", "--live", "--source="+c.source, c.destination)
		want := fmt.Sprintf("%s from %s: %s\n", c.destination, c.source, c.want)
		if !strings.Contains(answer, want) || strings.Contains(answer, "DIFFERS") {
			t.Errorf("explain, want %q, got:\n%s", want, answer)
		}
	}
}

// anEditArrives replaces one CIDR in the file. The counters must not be reset.
func anEditArrives(t *testing.T, n node, all []pod) {
	before := n.counted(t)
	if len(before) == 0 || slices.Max(before) == 0 {
		t.Fatalf("%s has counted no packet: %v", n.name, before)
	}
	configure(t, strings.Replace(poolConfig, "198.51.100.0/24", "203.0.113.0/24", 1))
	n.getsDestinations(t, "ip", "10.0.0.0/8 : goto kept", "169.254.0.0/16 : goto kept", "203.0.113.0/24 : goto kept")
	n.countersGoOn(t, before)
	for _, p := range all {
		if p.node == n {
			p.checkCalls(t, []call{
				{"outside, not masqueraded since the edit", outside203, outsidePort, p.ip4},
				{"outside, masqueraded since the edit", outside198, outsidePort, p.node.ip4},
			})
		}
	}
}

// countersGoOn checks that no counter of the agent's table is lower than
// before.
func (n node) countersGoOn(t *testing.T, before []uint64) {
	t.Helper()
	after := n.counted(t)
	if len(after) != len(before) {
		t.Fatalf("%s: there were counters %v, and are %v", n.name, before, after)
	}
	for i := range before {
		if after[i] < before[i] {
			t.Errorf("%s: rules were written again: counters %v, then %v", n.name, before, after)
		}
	}
}

// neitherDisturbsTheOther makes kube-proxy write all its rules again, twice,
// and then the agent.
func neitherDisturbsTheOther(t *testing.T, n node, all []pod) {
	ours, err := n.tables("ip-masq-agent")
	if err != nil {
		t.Fatal(err)
	}
	before := n.counted(t)
	stop := watchFor(t, []node{n}, func(n node) error { return n.tablesAre("ip-masq-agent", ours) })
	n.deleteKubeProxyTables(t)
	n.restartKubeProxy(t)
	stop()
	n.countersGoOn(t, before)

	n.pauseKubeProxy(t)
	theirs, err := n.tables("kube-proxy")
	if err != nil {
		t.Fatal(err)
	}
	stop = watchFor(t, []node{n}, func(n node) error { return n.tablesAre("kube-proxy", theirs) })
	n.must(t, "nft", "delete", "table", "ip", "ip-masq-agent")
	eventually(t, editLimit, func() error { return n.tablesAre("ip-masq-agent", ours) })
	stop()
	servicesWorkBothWays(t, all)
}

func (n node) tablesAre(name, want string) error {
	got, err := n.tables(name)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("tables %s on %s (-want +got):\n%s", name, n.name, diff)
	}
	return nil
}

// cleanupRemovesTheTable follows the steps at the beginning of cleanup.yaml.
func cleanupRemovesTheTable(t *testing.T, n node, all []pod) {
	n.pauseKubeProxy(t)
	theirs, err := n.tables("kube-proxy")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(cleanupManifest)
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, "delete", "daemonset", "ip-masq-agent", "ip-masq-agent-nftables", "-n", "kube-system", "--cascade=foreground")
	kubectlWith(t, withOurImage(string(text)), "apply", "-f", "-")
	kubectl(t, "rollout", "status", "daemonset/ip-masq-agent-cleanup", "-n", "kube-system", "--timeout=120s")

	if out := n.must(t, "nft", "list", "tables"); strings.Contains(out, "ip-masq-agent") {
		t.Errorf("tables of %s after cleanup:\n%s", n.name, out)
	}
	if err := n.tablesAre("kube-proxy", theirs); err != nil {
		t.Error(err)
	}
	for _, other := range withIPTables(t) {
		if out, err := other.iptables("-t", "nat", "-S", "IP-MASQ"); err == nil {
			t.Errorf("%s has the agent's chain after cleanup:\n%s", other.name, out)
		}
	}
	for _, p := range all {
		p.checkCalls(t, []call{{"outside, nothing is masqueraded", outside198, outsidePort, p.ip4}})
	}
	kubectlWith(t, withOurImage(string(text)), "delete", "-f", "-")
}
