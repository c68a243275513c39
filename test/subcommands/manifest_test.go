// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// daemonSet has the fields of a manifest that the tests use.
type daemonSet struct {
	Spec struct {
		Template struct {
			Spec podSpec `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

type podSpec struct {
	HostNetwork  bool              `json:"hostNetwork"`
	NodeSelector map[string]string `json:"nodeSelector"`
	Containers   []container       `json:"containers"`
	Volumes      []any             `json:"volumes"`
	Tolerations  []any             `json:"tolerations"`
}

type container struct {
	Image           string   `json:"image"`
	Args            []string `json:"args"`
	SecurityContext any      `json:"securityContext"`
	VolumeMounts    []any    `json:"volumeMounts"`
	ReadinessProbe  struct {
		Exec struct {
			Command []string `json:"command"`
		} `json:"exec"`
	} `json:"readinessProbe"`
}

func manifest(t *testing.T, path string) podSpec {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var d daemonSet
	if err := yaml.UnmarshalStrict(text, &map[string]any{}); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d.Spec.Template.Spec
}

// other is the rules of another program.
const other = `*nat
:KUBE-POSTROUTING - [0:0]
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MASQUERADE --random-fully
COMMIT
`

// TestCleanupManifest runs the container of the cleanup manifest and compares
// its pod with the agent's: it must run on the same nodes, with the same
// privileges.
func TestCleanupManifest(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		agent, pod := manifest(t, "../../manifests/ip-masq-agent.yaml"), manifest(t, "../../manifests/cleanup.yaml")
		cleanup := pod.Containers[0]
		type same struct {
			HostNetwork  bool
			NodeSelector map[string]string
			Tolerations  []any
			Image        string
			Security     any
			Lock, Mount  any
		}
		last := func(list []any) any { return list[len(list)-1] }
		of := func(p podSpec, c container) same {
			return same{p.HostNetwork, p.NodeSelector, p.Tolerations, c.Image, c.SecurityContext, last(p.Volumes), last(c.VolumeMounts)}
		}
		if diff := cmp.Diff(of(agent, agent.Containers[0]), of(pod, cleanup)); diff != "" {
			t.Errorf("pods of the two manifests (-agent +cleanup):\n%s", diff)
		}
		probe := func() result { return subcommand(t, nil, cleanup.ReadinessProbe.Exec.Command[1:]...) }

		netns.Restore(t, backend, family, other)
		before := netns.Save(t, backend, family)
		start(t, backend, goodFile(t), agent.Containers[0].Args...).Stop(syscall.SIGTERM)
		if r := probe(); r.status != 1 || !strings.Contains(r.stdout, "would remove chain IP-MASQ") {
			t.Errorf("the probe before cleanup: status %d: %s%s", r.status, r.stdout, r.stderr)
		}
		for range 2 { // the kubelet may run it twice
			p := program.Start(t, program.Command(nil, cleanup.Args...))
			p.WaitLog("nftables", "IPv6") // the last line
			if r := probe(); r.status != 0 {
				t.Errorf("the probe after cleanup: status %d: %s%s", r.status, r.stdout, r.stderr)
			}
			if diff := cmp.Diff(before, netns.Save(t, backend, family)); diff != "" {
				t.Errorf("the table after cleanup (-want +got):\n%s", diff)
			}
			p.Stop(syscall.SIGTERM)
		}
	})
}
