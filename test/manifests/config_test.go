// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package manifests

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"ip-masq-agent/pkg/config"
)

// gkeConfig is the example of the GKE documentation of ip-masq-agent.
const gkeConfig = `nonMasqueradeCIDRs:
  - 198.15.5.92/24
  - 10.0.0.0/8
masqLinkLocal: false
resyncInterval: 60s
`

// TestExampleConfig checks that the two examples are the same, and that they
// contain the default CIDRs. An example with fewer CIDRs would masquerade
// traffic that was not masqueraded before.
func TestExampleConfig(t *testing.T) {
	example := as[*corev1.ConfigMap](t, readFile(t, "example/configmap.yaml"))
	set := daemonSet(t)
	volume := set.Spec.Template.Spec.Volumes[0].ConfigMap
	if example.Name != volume.Name || example.Namespace != set.Namespace {
		t.Errorf("the example is %s/%s, but the DaemonSet mounts %s/%s", example.Namespace, example.Name, set.Namespace, volume.Name)
	}
	text := example.Data[volume.Items[0].Key]
	if diff := cmp.Diff(string(readFile(t, "example/config")), text); diff != "" {
		t.Errorf("example/config and example/configmap.yaml (-config +configmap.yaml):\n%s", diff)
	}
	means(t, "example", text, "[10.0.0.0/8 172.16.0.0/12 192.168.0.0/16] [] false 1m0s, warnings: 0")
	means(t, "no file", "", "[10.0.0.0/8 172.16.0.0/12 192.168.0.0/16] [] false 1m0s, warnings: 0")
}

// TestDemoConfig checks that "make run" uses the example of the GKE
// documentation. The only warning is about 198.15.5.92/24, which has host bits.
func TestDemoConfig(t *testing.T) {
	text := string(readFile(t, "../test/demo/config"))
	if diff := cmp.Diff(gkeConfig, text); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	means(t, "test/demo/config", text, "[198.15.5.0/24 10.0.0.0/8] [] false 1m0s, warnings: 1")
}

func means(t *testing.T, name, text, want string) {
	t.Helper()
	c, _, warnings, err := config.Files{{Name: name, Data: []byte(text)}}.Parse(config.Options{})
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	got := fmt.Sprintf("%v %v %v %v, warnings: %d", c.NonMasquerade, c.Masquerade, c.MasqLinkLocal, c.ResyncInterval, len(warnings))
	if got != want {
		t.Errorf("%s means %s, want %s", name, got, want)
	}
}
