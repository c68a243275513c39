// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// Numbers of capabilities(7).
const capNetAdmin, capNetRaw = 12, 13

func TestTheAgentHasOnlyWhatItNeedsAndStillDoesItsWork(t *testing.T) {
	freshCluster(t)
	deploy(t, manifest(t, ourManifest))
	everyNodeGets(t, defaults())
	for _, n := range nodes(t) {
		t.Run(n.name, func(t *testing.T) { onlyWhatItNeeds(t, n) })
	}
}

func onlyWhatItNeeds(t *testing.T, n node) {
	pod, err := n.agentPod()
	if err != nil {
		t.Fatal(err)
	}
	inside := func(args ...string) []string {
		return append([]string{"exec", "-n", "kube-system", pod, "--"}, args...)
	}

	// proc(5): Seccomp 2 is a filter.
	want := map[string]string{
		"CapPrm": fmt.Sprintf("%016x", 1<<capNetAdmin|1<<capNetRaw),
		"CapEff": fmt.Sprintf("%016x", 1<<capNetAdmin|1<<capNetRaw),
		"CapBnd": fmt.Sprintf("%016x", 1<<capNetAdmin|1<<capNetRaw),
		"CapAmb": fmt.Sprintf("%016x", 0), "NoNewPrivs": "1", "Seccomp": "2",
	}
	for line := range strings.Lines(kubectl(t, inside("cat", "/proc/1/status")...)) {
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
		t.Errorf("/proc/1/status does not say %v", want)
	}

	kubectlFails(t, "Read-only file system", inside("touch", "/written")...)
	kubectlFails(t, "No such file or directory", inside("ls", "/var/run/secrets/kubernetes.io/serviceaccount")...)
}
