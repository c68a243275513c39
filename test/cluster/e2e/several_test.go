// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSeveralConfigMaps merges two ConfigMaps with the
// component several-configmaps. Each of them may be missing, and an error in
// one changes nothing.
func TestSeveralConfigMaps(t *testing.T) {
	freshCluster(t)
	extra := func(config string) {
		t.Helper()
		kubectlWith(t, configMap("ip-masq-agent-extra", config), "apply", "-f", "-")
	}

	t.Log("no ConfigMap: the defaults")
	deploy(t, withOurImage(kubectl(t, "kustomize", withComponent(t, "several-configmaps"))))
	waitForChain(t, defaultChain())

	t.Log("only the platform team's, then both: lists are concatenated in name order")
	configure(t, "nonMasqueradeCIDRs: [192.0.2.0/24]\nresyncInterval: 60s")
	waitForChain(t, chain("192.0.2.0/24"))
	extra("nonMasqueradeCIDRs: [198.51.100.0/24]")
	waitForChain(t, chain("192.0.2.0/24", "198.51.100.0/24"))

	t.Log("an error in one: reported, and nothing changes")
	extra("nonMasqueradeCIDRs: [203.0.113.0/24]\nresyncInterval: 5s")
	eventually(t, editLimit, func() error { return readyIs(t, 0) })
	waitForChain(t, chain("192.0.2.0/24", "198.51.100.0/24"))
	eventually(t, editLimit, func() error {
		out := kubectl(t, "logs", "-n", "kube-system", "-l", "k8s-app=ip-masq-agent", "--tail=-1")
		const said = "/etc/config/ip-masq-agent-extra:2: resyncInterval: is set in two files"
		if n := strings.Count(out, said); n != len(nodes(t)) {
			return fmt.Errorf("%d agents log %q, want %d:\n%s", n, said, len(nodes(t)), out)
		}
		return nil
	})

	t.Log("corrected")
	extra("nonMasqueradeCIDRs: [203.0.113.0/24]")
	waitForChain(t, chain("192.0.2.0/24", "203.0.113.0/24"))
	agentReady(t)

	t.Log("one deleted, then the other")
	kubectl(t, "delete", "configmap", "ip-masq-agent", "-n", "kube-system")
	waitForChain(t, chain("203.0.113.0/24"))
	kubectl(t, "delete", "configmap", "ip-masq-agent-extra", "-n", "kube-system")
	waitForChain(t, defaultChain())
	agentReady(t)
}

// withComponent writes a kustomization with the manifests and one of their
// components, and returns its directory.
func withComponent(t *testing.T, component string) string {
	t.Helper()
	dir := t.TempDir()
	ours, err := filepath.Abs(filepath.Dir(ourManifest))
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Rel(dir, ours)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("resources: [%s]\ncomponents: [%s/%s]\n", path, path, component)
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}
