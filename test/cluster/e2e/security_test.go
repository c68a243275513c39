// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Capability numbers, see capabilities(7).
const capNetAdmin, capNetRaw = 12, 13

// TestAgentHasOnlyTheNeededPrivileges checks the privileges and the programs of
// the agent's container.
func TestAgentHasOnlyTheNeededPrivileges(t *testing.T) {
	freshCluster(t)
	deploy(t, manifest(t, ourManifest))
	waitForChain(t, defaultChain())
	for _, n := range nodes(t) {
		t.Run(n.name, func(t *testing.T) {
			theImageHasItsPrograms(t, n)
			onlyWhatItNeeds(t, n)
		})
	}
}

// theImageHasItsPrograms runs in the agent's container the programs that the
// documentation runs there. The container has nothing else, in particular no
// shell.
func theImageHasItsPrograms(t *testing.T, n node) {
	pod, err := n.agentPod()
	if err != nil {
		t.Fatal(err)
	}
	inside := func(args ...string) []string {
		return append([]string{"exec", "-n", "kube-system", pod, "--"}, args...)
	}
	// doctor exits with status 1, because it warns about IPv6 and about
	// connections that are older than the rules.
	findings, _ := run("", os.Getenv("KUBECTL"), inside("/ip-masq-agent", "doctor")...)
	if !strings.Contains(findings, "\nerrors: 0, ") {
		t.Errorf("ip-masq-agent doctor in the agent's container:\n%s", findings)
	}
	own, _ := n.backend()
	listed := kubectl(t, inside(own, "-t", "nat", "-S", "IP-MASQ")...)
	if !strings.Contains(listed, "-A IP-MASQ -d 10.0.0.0/8 ") {
		t.Errorf("%s -S in the agent's container:\n%s", own, listed)
	}
	kubectlFails(t, "executable file not found", inside("sh")...)
}

// onlyWhatItNeeds compares the manifest with the agent's process, as described
// by proc(5).
func onlyWhatItNeeds(t *testing.T, n node) {
	needNodes(t)
	proc := func(file string) string {
		return n.must(t, "bash", "-c", "cat /proc/$(pgrep --exact --oldest ip-masq-agent)/"+file)
	}

	// Seccomp mode 2 is a filter.
	want := map[string]string{
		"CapPrm": fmt.Sprintf("%016x", 1<<capNetAdmin|1<<capNetRaw),
		"CapEff": fmt.Sprintf("%016x", 1<<capNetAdmin|1<<capNetRaw),
		"CapBnd": fmt.Sprintf("%016x", 1<<capNetAdmin|1<<capNetRaw),
		"CapAmb": fmt.Sprintf("%016x", 0), "NoNewPrivs": "1", "Seccomp": "2",
	}
	for line := range strings.Lines(proc("status")) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		if expected, ok := want[key]; ok {
			t.Logf("%-10s %s", key, value)
			if value != expected {
				t.Errorf("%s is %s, want %s", key, value, expected)
			}
			delete(want, key)
		}
	}
	if len(want) != 0 {
		t.Errorf("/proc/PID/status does not say %v", want)
	}

	// Fields of a line of mountinfo: ID, parent, device, root, mount point,
	// options ...
	root := ""
	for line := range strings.Lines(proc("mountinfo")) {
		f := strings.Fields(line)
		switch {
		case f[4] == "/":
			root = f[5]
		case strings.Contains(f[4], "/secrets/"):
			t.Errorf("the container has a token of the Kubernetes API: %s", line)
		}
	}
	if first, _, _ := strings.Cut(root, ","); first != "ro" {
		t.Errorf("the root file system of the container is mounted with the options %q, want ro", root)
	}
}
