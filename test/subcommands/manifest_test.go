// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"ip-masq-agent/test/netns"
)

// daemonSet is what the tests look at of a manifest.
type daemonSet struct {
	Spec struct {
		Template struct {
			Spec pod `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

type pod struct {
	HostNetwork    bool              `json:"hostNetwork"`
	NodeSelector   map[string]string `json:"nodeSelector"`
	InitContainers []container       `json:"initContainers"`
	Containers     []container       `json:"containers"`
	Volumes        []any             `json:"volumes"`
	Tolerations    []any             `json:"tolerations"`
}

type container struct {
	Image           string   `json:"image"`
	Args            []string `json:"args"`
	SecurityContext any      `json:"securityContext"`
	VolumeMounts    []any    `json:"volumeMounts"`
}

func manifest(t *testing.T, path string) pod {
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

// TestCleanupManifest runs what the manifest runs on each node, and compares the
// pod with the agent's: it must come to the same nodes, with the same rights.
func TestCleanupManifest(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		agent, cleanup := manifest(t, "../../manifests/ip-masq-agent.yaml"), manifest(t, "../../manifests/cleanup.yaml")
		init := cleanup.InitContainers[0]
		type same struct {
			HostNetwork  bool
			NodeSelector map[string]string
			Tolerations  []any
			Image        string
			Security     any
			Lock, Mount  any
		}
		last := func(list []any) any { return list[len(list)-1] }
		of := func(p pod, c container) same {
			return same{p.HostNetwork, p.NodeSelector, p.Tolerations, c.Image, c.SecurityContext, last(p.Volumes), last(c.VolumeMounts)}
		}
		if diff := cmp.Diff(of(agent, agent.Containers[0]), of(cleanup, init)); diff != "" {
			t.Errorf("the pods of agent and cleanup (-agent +cleanup):\n%s", diff)
		}
		netns.Restore(t, backend, family, other)
		before := netns.Save(t, backend, family)
		start(t, backend, good(t), agent.Containers[0].Args...).Stop(syscall.SIGTERM)
		for range 2 { // the kubelet may run it twice
			if r := subcommand(t, "", nil, init.Args...); r.status != 0 {
				t.Errorf("status %d: %s%s", r.status, r.stdout, r.stderr)
			}
			if diff := cmp.Diff(before, netns.Save(t, backend, family)); diff != "" {
				t.Errorf("the table after cleanup (-want +got):\n%s", diff)
			}
		}
	})
}
