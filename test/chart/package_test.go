// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package chart

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
)

// TestPackage checks that a package has the version and the image for which it
// was built, and the monitoring files, which are links in the repository.
func TestPackage(t *testing.T) {
	for _, tt := range []struct{ version, image, file, rendered string }{
		{"v1.2.3", "registry.example:5000/ip-masq-agent:v1.2.3", "ip-masq-agent-1.2.3.tgz", "registry.example:5000/ip-masq-agent:v1.2.3"},
		{"v1.2.3-4-gabcdef0", "ip-masq-agent:v1.2.3-4-gabcdef0", "ip-masq-agent-1.2.3-4-gabcdef0.tgz", "ip-masq-agent:v1.2.3-4-gabcdef0"},
		{"0123456-dirty", "registry.example:5000/other", "ip-masq-agent-0.0.0-g0123456-dirty.tgz", "registry.example:5000/other:latest"},
	} {
		dir := t.TempDir()
		cmd := exec.Command(repository+"/charts/package.sh", tt.version, tt.image, dir)
		cmd.Env = append(os.Environ(), "HELM="+filepath.Join(os.Getenv(programs), "helm"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		const values = "metrics: {nodeIP: true}\npodMonitor: {enabled: true}\nprometheusRule: {enabled: true}\ndashboard: {enabled: true}\n"
		out, err := run(values, "helm", "template", "any-release", filepath.Join(dir, tt.file), "--values", "-")
		if err != nil {
			t.Fatal(err)
		}
		packaged, source := decode(t, out), release(t, values)
		set := get[*appsv1.DaemonSet](t, packaged, "DaemonSet/ip-masq-agent")
		if got := set.Spec.Template.Spec.Containers[0].Image; got != tt.rendered {
			t.Errorf("%s has the image %s, want %s", tt.file, got, tt.rendered)
		}
		set.Spec.Template.Spec.Containers[0].Image = "ip-masq-agent:latest"
		if diff := cmp.Diff(source, packaged); diff != "" {
			t.Errorf("the source and the package %s (-source +package):\n%s", tt.file, diff)
		}
	}
}
