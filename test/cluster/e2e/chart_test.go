// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const chart = "../../../charts/ip-masq-agent"

// chartValues are the values for a cluster with a pool of nodes that have no
// iptables.
const chartValues = `
enableIPv6: true
poolLabel: pool
config:
  nonMasqueradeCIDRs: [10.0.0.0/8, 198.51.100.0/24]
  resyncInterval: 1s
pools:
- name: nftables
  backend: nftables
  config:
    nonMasqueradeCIDRs: [10.0.0.0/8]
    resyncInterval: 1s
`

// helmCommand returns the arguments of a helm command for a release with these
// values.
func helmCommand(t *testing.T, subcommand, values string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(values), 0o600); err != nil {
		t.Fatal(err)
	}
	image := os.Getenv("IMAGE")
	colon := strings.LastIndex(image, ":")
	if colon <= strings.LastIndex(image, "/") {
		t.Fatalf("IMAGE %s has no tag", image)
	}
	return []string{subcommand, "ip-masq-agent", chart, "--namespace", "kube-system", "--timeout", "3m", "--wait", "--values", file,
		"--set", "image.repository=" + image[:colon], "--set-string", "image.tag=" + image[colon+1:]}
}

func helm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := run("", os.Getenv("HELM"), args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// helmFails runs a helm command that must fail with an error that contains
// text.
func helmFails(t *testing.T, text string, args ...string) {
	t.Helper()
	out, err := run("", os.Getenv("HELM"), args...)
	if err == nil || !strings.Contains(out, text) {
		t.Fatalf("helm %s: want a failure with %q, got %v\n%s", strings.Join(args, " "), text, err, out)
	}
}

// needHelm skips the test on a machine without helm, except in the harness. It
// uninstalls the release at the end of the test.
func needHelm(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath(os.Getenv("HELM")); err != nil {
		if nodeAccess() {
			t.Fatal(err)
		}
		t.Skipf("this test needs helm: %v", err)
	}
	uninstall := func() {
		helm(t, "uninstall", "ip-masq-agent", "--namespace", "kube-system", "--ignore-not-found", "--wait")
		kubectl(t, "delete", "jobs,configmaps", "-n", "kube-system", "--ignore-not-found",
			"ip-masq-agent-check", "ip-masq-agent-nftables-check")
	}
	uninstall()
	t.Cleanup(uninstall)
}

// poolGets waits for the elements in the map of the nodes in the pool nftables.
func poolGets(t *testing.T, cidrs ...string) {
	t.Helper()
	var want []string
	for _, c := range cidrs {
		want = append(want, c+" : goto kept")
	}
	pool(t, nftablesPool)[0].getsDestinations(t, "ip", want...)
}

// othersGet waits for the rules of all other nodes.
func othersGet(t *testing.T, cidrs ...string) {
	t.Helper()
	for _, n := range withIPTables(t) {
		eventually(t, editLimit, func() error { return n.rulesAre(chain(cidrs...)) })
	}
}

// TestChartFromInstallToUninstall has two DaemonSets with different
// configurations, one of them for the pool nftables.
func TestChartFromInstallToUninstall(t *testing.T) {
	needNodes(t)
	freshCluster(t)
	needHelm(t)

	t.Log("install")
	helm(t, helmCommand(t, "install", chartValues)...)
	othersGet(t, "10.0.0.0/8", "198.51.100.0/24")
	poolGets(t, "10.0.0.0/8", "169.254.0.0/16")
	for _, n := range nodes(t) {
		if _, err := n.agentPod(); err != nil {
			t.Error(err)
		}
	}

	t.Log("upgrade")
	upgraded := strings.Replace(chartValues, "198.51.100.0/24", "203.0.113.0/24", 1)
	before := podNames(t)
	helm(t, helmCommand(t, "upgrade", upgraded)...)
	othersGet(t, "10.0.0.0/8", "203.0.113.0/24")
	if diff := cmp.Diff(before, podNames(t)); diff != "" {
		t.Errorf("a new configuration restarted pods (-before +after):\n%s", diff)
	}

	t.Log("an upgrade to a configuration that the schema rejects")
	helmFails(t, "additional properties 'resyscInterval' not allowed", helmCommand(t, "upgrade", strings.Replace(chartValues, "resyncInterval", "resyscInterval", 1))...)

	t.Log("an upgrade to a configuration that the agent rejects")
	contradiction := strings.Replace(chartValues, "  resyncInterval: 1s", "  masqueradeCIDRs: [10.0.0.0/8]", 1)
	helmFails(t, "masqueradeCIDRs", helmCommand(t, "upgrade", contradiction)...)
	if out := kubectl(t, "logs", "job/ip-masq-agent-check", "-n", "kube-system"); !strings.Contains(out, "masqueradeCIDRs") {
		t.Errorf("the Job logged:\n%s", out)
	}
	kubectl(t, "delete", "job/ip-masq-agent-check", "-n", "kube-system")
	othersGet(t, "10.0.0.0/8", "203.0.113.0/24")
	if got := kubectl(t, "get", "configmap", "ip-masq-agent", "-n", "kube-system", "-o", "jsonpath={.data.config}"); strings.Contains(got, "masqueradeCIDRs: [") || !strings.Contains(got, "203.0.113.0/24") {
		t.Errorf("the rejected configuration is in the ConfigMap:\n%s", got)
	}

	t.Log("rollback")
	helm(t, "rollback", "ip-masq-agent", "1", "--namespace", "kube-system", "--wait")
	othersGet(t, "10.0.0.0/8", "198.51.100.0/24")
	poolGets(t, "10.0.0.0/8", "169.254.0.0/16")

	t.Log("uninstall: the rules stay on the nodes")
	helm(t, "uninstall", "ip-masq-agent", "--namespace", "kube-system", "--wait")
	noPodLeft(t)
	left := kubectl(t, "get", "daemonsets,configmaps,jobs", "-n", "kube-system", "-o", "name")
	if strings.Contains(left, "ip-masq-agent") {
		t.Errorf("objects after uninstall:\n%s", left)
	}
	othersGet(t, "10.0.0.0/8", "198.51.100.0/24")
}

// podNames returns the agent's pods, sorted by name.
func podNames(t *testing.T) string {
	t.Helper()
	return kubectl(t, "get", "pods", "-n", "kube-system", "-l", "k8s-app=ip-masq-agent", "-o", "name", "--sort-by", ".metadata.name")
}

// TestChartTakesOverTheManifest checks that helm takes over the objects that
// kubectl created, without restarting pods, and keeps a ConfigMap that it does
// not manage.
func TestChartTakesOverTheManifest(t *testing.T) {
	freshCluster(t)
	needHelm(t)
	configure(t, goodConfig)
	deploy(t, manifest(t, ourManifest))
	before := podNames(t)

	helmFails(t, "cannot be imported into the current release", helmCommand(t, "install", "")...)
	helm(t, append(helmCommand(t, "install", ""), "--take-ownership")...)
	if diff := cmp.Diff(before, podNames(t)); diff != "" {
		t.Errorf("pods were restarted (-before +after):\n%s", diff)
	}
	waitForChain(t, chain("10.0.0.0/8", "198.51.100.0/24"))
	helm(t, "uninstall", "ip-masq-agent", "--namespace", "kube-system", "--wait")
	if out := kubectl(t, "get", "configmap", "ip-masq-agent", "-n", "kube-system", "-o", "name"); strings.TrimSpace(out) != "configmap/ip-masq-agent" {
		t.Error(fmt.Errorf("the ConfigMap is gone: %q", out))
	}
}
