// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	ourManifest = "../../../manifests/ip-masq-agent.yaml"
	gkeManifest = "testdata/gke.yaml"

	cleanupManifest = "../../../manifests/cleanup.yaml"
)

// image matches the line with the image of a container.
var image = regexp.MustCompile(`(?m)^(\s*(?:- )?image: ).*$`)

// withOurImage replaces the image in a manifest by the one under test.
func withOurImage(text string) string {
	return image.ReplaceAllString(text, "${1}"+os.Getenv("IMAGE"))
}

// manifest reads a manifest, replaces its image and adds flags.
func manifest(t *testing.T, file string, flags ...string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(image.FindAll(text, -1)); n != 1 {
		t.Fatalf("%s names %d images, want 1", file, n)
	}
	out := withOurImage(string(text))
	if len(flags) == 0 {
		return out
	}
	last := regexp.MustCompile(`(?m)^(\s*- )--masq-chain=IP-MASQ$`)
	if !last.MatchString(out) {
		t.Fatalf("%s has no argument --masq-chain=IP-MASQ to add %q to", file, flags)
	}
	return last.ReplaceAllString(out, "$0\n${1}"+strings.Join(flags, "\n${1}"))
}

// freshCluster removes everything that an agent left, now and at the end of the
// test.
func freshCluster(t *testing.T) {
	t.Helper()
	removeAgent(t)
	if nodeAccess() {
		for _, n := range nodes(t) {
			n.wipe(t)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			logState(t)
		}
		removeAgent(t)
	})
}

func removeAgent(t *testing.T) {
	t.Helper()
	kubectl(t, "delete", "daemonset", "ip-masq-agent", "ip-masq-agent-nftables", "ip-masq-agent-cleanup", "-n", "kube-system", "--ignore-not-found")
	kubectl(t, "delete", "configmap", "ip-masq-agent", "ip-masq-agent-extra", "ip-masq-agent-broken", "-n", "kube-system", "--ignore-not-found")
	noPodLeft(t)
}

func noPodLeft(t *testing.T) {
	t.Helper()
	eventually(t, podLimit, func() error {
		if out := kubectl(t, "get", "pods", "-n", "kube-system", "-l", "k8s-app in (ip-masq-agent,ip-masq-agent-cleanup)", "-o", "name"); out != "" {
			return fmt.Errorf("pods of the agent remain: %s", out)
		}
		return nil
	})
}

// wipe removes the agent's chain and every jump to it from both iptables
// backends of the node, the table of the backend nftables, and the conntrack
// entries, in which doctor would find the rules of an earlier test.
func (n node) wipe(t *testing.T) {
	t.Helper()
	if out, err := n.fromOutside("", "conntrack", "-F"); err != nil {
		t.Fatalf("on %s: %v\n%s", n.name, err, out)
	}
	for _, family := range []string{"ip", "ip6"} {
		// Create the table first, because deleting a missing table is an error.
		table := "table " + family + " ip-masq-agent"
		if out, err := n.fromOutside("add "+table+"\ndelete "+table+"\n", "nft", "-f", "-"); err != nil {
			t.Fatalf("on %s: %v\n%s", n.name, err, out)
		}
	}
	for _, family := range []string{"iptables", "ip6tables"} {
		for _, backend := range []string{"iptables-nft", "iptables-legacy"} {
			command := strings.Replace(backend, "iptables", family, 1)
			if _, err := n.withLock("", command, "-w", "-t", "nat", "-S", "IP-MASQ"); err != nil {
				continue
			}
			restore := "*nat\n:IP-MASQ - [0:0]\n"
			post, err := n.withLock("", command, "-w", "-t", "nat", "-S", "POSTROUTING")
			if err != nil {
				t.Fatalf("on %s: %v\n%s", n.name, err, post)
			}
			for line := range strings.Lines(post) {
				if strings.HasSuffix(line, "-j IP-MASQ\n") {
					restore += "-D" + strings.TrimPrefix(line, "-A")
				}
			}
			restore += "-X IP-MASQ\nCOMMIT\n"
			if out, err := n.withLock(restore, command+"-restore", "-w", "--noflush"); err != nil {
				t.Fatalf("on %s: %v\n%s\n%s", n.name, err, out, restore)
			}
		}
	}
}

// logState records what an operator would look at after a failure: in a file of
// the directory E2E_LOG, so that the failure is not lost among it, or without
// that directory in the output of the test.
func logState(t *testing.T) {
	t.Helper()
	var state strings.Builder
	for _, args := range [][]string{
		{"get", "pods", "-A", "-o", "wide"},
		{"describe", "pods", "-n", "kube-system", "-l", "k8s-app=ip-masq-agent"},
		{"logs", "-n", "kube-system", "-l", "k8s-app=ip-masq-agent", "--prefix", "--tail=40"},
	} {
		out, err := run("", os.Getenv("KUBECTL"), args...)
		fmt.Fprintf(&state, "# kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	dir := os.Getenv("E2E_LOG")
	if dir == "" {
		t.Log(state.String())
		return
	}
	file := filepath.Join(dir, t.Name()+".log")
	if err := os.WriteFile(file, []byte(state.String()), 0o644); err != nil {
		t.Log(err, state.String())
		return
	}
	t.Logf("the pods and their logs are in %s", filepath.Base(file))
}

// deploy applies the manifest and waits until the agent is ready on every node.
func deploy(t *testing.T, manifest string) {
	t.Helper()
	kubectlWith(t, manifest, "apply", "-f", "-")
	agentReady(t)
}

func agentReady(t *testing.T) {
	t.Helper()
	want := len(nodes(t))
	eventually(t, podLimit, func() error { return readyIs(t, want) })
}

// readyIs returns an error unless this number of agents is ready. It reads the
// columns of "kubectl get daemonsets": NAME DESIRED CURRENT READY ...
func readyIs(t *testing.T, want int) error {
	t.Helper()
	out := kubectl(t, "get", "daemonsets/ip-masq-agent", "-n", "kube-system")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if f := strings.Fields(lines[len(lines)-1]); len(f) < 4 || f[3] != fmt.Sprint(want) {
		return fmt.Errorf("want READY %d:\n%s", want, out)
	}
	return nil
}

// configure applies the ConfigMap with this content.
func configure(t *testing.T, config string) {
	t.Helper()
	kubectlWith(t, configMap("ip-masq-agent", config), "apply", "-f", "-")
}

func configMap(name, config string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: ConfigMap
metadata:
  name: %s
  namespace: kube-system
data:
  config: |
    %s
`, name, strings.ReplaceAll(strings.TrimSpace(config), "\n", "\n    "))
}
