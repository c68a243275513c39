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

// page is the configuration that the GKE page shows.
const page = `nonMasqueradeCIDRs:
  - 198.15.5.92/24
  - 10.0.0.0/8
masqLinkLocal: false
resyncInterval: 60s
`

// TestExampleConfig: both examples are the page's, and mean what it says.
func TestExampleConfig(t *testing.T) {
	example := as[*corev1.ConfigMap](t, readFile(t, "example/configmap.yaml"))
	set := daemonSet(t)
	volume := set.Spec.Template.Spec.Volumes[0].ConfigMap
	if example.Name != volume.Name || example.Namespace != set.Namespace {
		t.Errorf("it is %s/%s, and the DaemonSet mounts %s/%s", example.Namespace, example.Name, set.Namespace, volume.Name)
	}
	for name, text := range map[string]string{
		"example/config":         string(readFile(t, "example/config")),
		"example/configmap.yaml": example.Data[volume.Items[0].Key],
	} {
		if diff := cmp.Diff(page, text); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		c, warnings, err := config.Parse(name, []byte(text), config.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// The one warning is about the page's own 198.15.5.92/24.
		got := fmt.Sprint(c.NonMasquerade, c.Masquerade, c.MasqLinkLocal, c.ResyncInterval, len(warnings))
		if want := "[198.15.5.0/24 10.0.0.0/8] [] false 1m0s 1"; got != want {
			t.Errorf("%s means %s, want %s", name, got, want)
		}
	}
}
