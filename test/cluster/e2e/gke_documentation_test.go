// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// gkeConfig is the example of the GKE ip-masq-agent documentation,
// https://cloud.google.com/kubernetes-engine/docs/how-to/ip-masquerade-agent.
const gkeConfig = `nonMasqueradeCIDRs:
  - 198.15.5.92/24
  - 10.0.0.0/8
masqLinkLocal: false
resyncInterval: 60s
`

// gkeDescribed is the output of "kubectl describe" in that documentation.
const gkeDescribed = `Name:         ip-masq-agent
Namespace:    kube-system
Labels:       <none>
Annotations:  <none>
Data
====
config:
----
nonMasqueradeCIDRs:
  - 198.15.5.92/24
  - 10.0.0.0/8
masqLinkLocal: false
resyncInterval: 60s
BinaryData
====
Events:  <none>
`

// TestGKEDocumentationWithOurManifest follows the GKE documentation with the
// manifest of this repository.
func TestGKEDocumentationWithOurManifest(t *testing.T) {
	followGKEDocumentation(t, ourManifest)
}

// TestGKEDocumentationWithItsOwnManifest follows the GKE documentation with its
// own manifest and the image under test.
func TestGKEDocumentationWithItsOwnManifest(t *testing.T) {
	followGKEDocumentation(t, gkeManifest)
}

// followGKEDocumentation runs the commands of the GKE documentation in their
// order.
func followGKEDocumentation(t *testing.T, file string) {
	freshCluster(t)

	t.Log("before the installation")
	kubectlFails(t, `daemonsets.apps "ip-masq-agent" not found`, "get", "daemonsets/ip-masq-agent", "-n", "kube-system")
	kubectlFails(t, `configmaps "ip-masq-agent" not found`, "describe", "configmaps/ip-masq-agent", "-n", "kube-system")

	t.Log("the DaemonSet without a ConfigMap: the defaults")
	deploy(t, manifest(t, file))
	t.Logf("\n%s", kubectl(t, "get", "daemonsets/ip-masq-agent", "-n", "kube-system"))
	waitForChain(t, defaultChain())

	t.Log("the ConfigMap of the documentation, from a file with any name")
	local := filepath.Join(t.TempDir(), "my-config")
	if err := os.WriteFile(local, []byte(gkeConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl(t, "create", "configmap", "ip-masq-agent", "--namespace=kube-system", "--from-file=config="+local)
	described := kubectl(t, "describe", "configmaps/ip-masq-agent", "-n", "kube-system")
	if diff := cmp.Diff(gkeDescribed, withoutBlankLines(described)); diff != "" {
		t.Errorf("kubectl describe configmaps/ip-masq-agent (-documentation +got):\n%s", diff)
	}
	waitForChain(t, chain("198.15.5.0/24", "10.0.0.0/8"))
	listsOnEveryNode(t, "198.15.5.0/24", "10.0.0.0/8")

	t.Log("kubectl edit")
	edit(t, "s|198.15.5.92/24|198.51.100.0/24|")
	waitForChain(t, chain("198.51.100.0/24", "10.0.0.0/8"))

	t.Log("kubectl apply of a change")
	configure(t, "nonMasqueradeCIDRs:\n  - 192.0.2.0/24\nmasqLinkLocal: false\nresyncInterval: 60s")
	waitForChain(t, chain("192.0.2.0/24"))

	t.Log("without the ConfigMap: the defaults again")
	kubectl(t, "delete", "configmap", "ip-masq-agent", "-n", "kube-system")
	waitForChain(t, defaultChain())

	t.Log("without the DaemonSet: the rules stay on the nodes")
	kubectl(t, "delete", "daemonsets", "ip-masq-agent", "-n", "kube-system")
	noPodLeft(t)
	kubectlFails(t, `daemonsets.apps "ip-masq-agent" not found`, "get", "daemonsets/ip-masq-agent", "-n", "kube-system")
	if nodeAccess() {
		checkChain(t, defaultChain())
	}
}

// listsOnEveryNode runs the command of the documentation's section on
// troubleshooting.
func listsOnEveryNode(t *testing.T, kept ...string) {
	t.Helper()
	for _, n := range nodes(t) {
		out, err := n.iptables("-t", "nat", "-L", "IP-MASQ")
		if err != nil {
			t.Fatalf("on %s: %v\n%s", n.name, err, out)
		}
		t.Logf("%s# iptables -t nat -L IP-MASQ\n%s", n.name, out)
		var got []string
		for line := range strings.Lines(out) {
			if f := strings.Fields(line); len(f) > 4 && f[0] == "RETURN" {
				got = append(got, f[4])
			}
		}
		want := append([]string{"169.254.0.0/16"}, kept...)
		for i := range got {
			// iptables prints a network by its name if /etc/networks has it.
			if got[i] == "link-local/16" {
				got[i] = "169.254.0.0/16"
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("CIDRs that are not masqueraded on %s (-want +got):\n%s", n.name, diff)
		}
	}
}

// edit runs "kubectl edit" with sed as the editor.
func edit(t *testing.T, script string) {
	t.Helper()
	cmd := exec.Command(os.Getenv("KUBECTL"), "edit", "configmap", "ip-masq-agent", "--namespace=kube-system")
	cmd.Env = append(os.Environ(), "KUBE_EDITOR=sed -i '"+script+"'")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "edited") {
		t.Fatalf("kubectl edit: %v\n%s", err, out)
	}
}

func withoutBlankLines(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if line = strings.TrimRight(line, " \n"); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}
