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

// pageConfig is the page's example.
const pageConfig = `nonMasqueradeCIDRs:
  - 198.15.5.92/24
  - 10.0.0.0/8
masqLinkLocal: false
resyncInterval: 60s
`

// pageDescribed is what the page says "kubectl describe" shows of it.
const pageDescribed = `Name:         ip-masq-agent
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

func TestThePageCommandByCommandWithOurManifest(t *testing.T) {
	followThePage(t, ourManifest)
}

func TestThePageCommandByCommandWithItsOwnManifest(t *testing.T) {
	followThePage(t, pageManifest)
}

// followThePage does what the page says, in its order and with its commands.
func followThePage(t *testing.T, file string) {
	freshCluster(t)

	t.Log("nothing is there yet")
	kubectlFails(t, `daemonsets.apps "ip-masq-agent" not found`, "get", "daemonsets/ip-masq-agent", "-n", "kube-system")
	kubectlFails(t, `configmaps "ip-masq-agent" not found`, "describe", "configmaps/ip-masq-agent", "-n", "kube-system")

	t.Log("the DaemonSet without a ConfigMap: the defaults")
	deploy(t, manifest(t, file))
	t.Logf("\n%s", kubectl(t, "get", "daemonsets/ip-masq-agent", "-n", "kube-system"))
	everyNodeGets(t, defaults())

	t.Log("the page's ConfigMap, from a file of any name")
	local := filepath.Join(t.TempDir(), "my-config")
	if err := os.WriteFile(local, []byte(pageConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl(t, "create", "configmap", "ip-masq-agent", "--namespace=kube-system", "--from-file=config="+local)
	described := kubectl(t, "describe", "configmaps/ip-masq-agent", "-n", "kube-system")
	if diff := cmp.Diff(pageDescribed, withoutBlankLines(described)); diff != "" {
		t.Errorf("kubectl describe configmaps/ip-masq-agent (-page +got):\n%s", diff)
	}
	everyNodeGets(t, keeps("198.15.5.0/24", "10.0.0.0/8"))
	listsOnEveryNode(t, "198.15.5.0/24", "10.0.0.0/8")

	t.Log("kubectl edit")
	edit(t, "s|198.15.5.92/24|198.51.100.0/24|")
	everyNodeGets(t, keeps("198.51.100.0/24", "10.0.0.0/8"))

	t.Log("kubectl apply of a change")
	configure(t, "nonMasqueradeCIDRs:\n  - 192.0.2.0/24\nmasqLinkLocal: false\nresyncInterval: 60s")
	everyNodeGets(t, keeps("192.0.2.0/24"))

	t.Log("no ConfigMap again: the defaults again")
	kubectl(t, "delete", "configmap", "ip-masq-agent", "-n", "kube-system")
	everyNodeGets(t, defaults())

	t.Log("no DaemonSet: what is in the nodes stays")
	kubectl(t, "delete", "daemonsets", "ip-masq-agent", "-n", "kube-system")
	noPodLeft(t)
	kubectlFails(t, `daemonsets.apps "ip-masq-agent" not found`, "get", "daemonsets/ip-masq-agent", "-n", "kube-system")
	if nodeAccess() {
		everyNodeHas(t, defaults())
	}
}

// listsOnEveryNode runs the command of the page's troubleshooting section.
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
			// /etc/networks may know a range by its name.
			if got[i] == "link-local/16" {
				got[i] = "169.254.0.0/16"
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ranges kept on %s (-want +got):\n%s", n.name, diff)
		}
	}
}

// edit is "kubectl edit" by somebody whose editor is sed.
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
