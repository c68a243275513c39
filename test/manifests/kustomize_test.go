// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package manifests

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// operator builds the kustomization of an operator that has the agent as its
// resource and some of its components.
func operator(t *testing.T, more string, components ...string) *appsv1.DaemonSet {
	t.Helper()
	dir := t.TempDir()
	ours, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Rel(dir, ours)
	if err != nil {
		t.Fatal(err)
	}
	text := "resources:\n- " + path + "\n"
	if len(components) > 0 {
		text += "components:\n- " + path + "/" + strings.Join(components, "\n- "+path+"/") + "\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text+more), 0o644); err != nil {
		t.Fatal(err)
	}
	manifests := build(t, dir)
	if len(manifests) != 1 {
		t.Fatalf("%d manifests, want 1", len(manifests))
	}
	return as[*appsv1.DaemonSet](t, manifests[0])
}

func container(set *appsv1.DaemonSet) *corev1.Container { return &set.Spec.Template.Spec.Containers[0] }

// TestKustomizationIsTheManifest checks that "apply -k" and "apply -f" do the
// same.
func TestKustomizationIsTheManifest(t *testing.T) {
	if diff := cmp.Diff(daemonSet(t), operator(t, "")); diff != "" {
		t.Errorf("-f and -k (-f +k):\n%s", diff)
	}
}

func TestImageIsSetByKustomize(t *testing.T) {
	set := operator(t, "images: [{name: ip-masq-agent, newName: registry.example/ip-masq-agent, newTag: v1.2.3}]\n")
	if got, want := container(set).Image, "registry.example/ip-masq-agent:v1.2.3"; got != want {
		t.Errorf("image %s, want %s", got, want)
	}
}

func TestComponents(t *testing.T) {
	chain, ipv6, bind := "--masq-chain=IP-MASQ", "--enable-ipv6", "--http-bind-address=[$(NODE_IP)]:10292"
	for _, tt := range []struct {
		components, args []string
	}{
		{nil, []string{chain}},
		{[]string{"ipv6"}, []string{chain, ipv6}},
		{[]string{"node-ip"}, []string{chain, bind}},
		{[]string{"ipv6", "node-ip"}, []string{chain, ipv6, bind}},
	} {
		t.Run(strings.Join(tt.components, "+"), func(t *testing.T) {
			set := operator(t, "", tt.components...)
			if diff := cmp.Diff(tt.args, container(set).Args); diff != "" {
				t.Errorf("args (-want +got):\n%s", diff)
			}
			if slices.Contains(tt.components, "node-ip") {
				return // see TestNodeIP
			}
			container(set).Args = tt.args[:1]
			if diff := cmp.Diff(daemonSet(t), set); diff != "" {
				t.Errorf("more than the arguments changed (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNodeIP checks that the server, the probes and the PodMonitor use the same
// port.
func TestNodeIP(t *testing.T) {
	c := container(operator(t, "", "node-ip"))
	wantEnv := []corev1.EnvVar{{Name: "NODE_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.hostIP"}}}}
	if diff := cmp.Diff(wantEnv, c.Env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	wantPorts := []corev1.ContainerPort{{Name: "metrics", ContainerPort: 10292, HostPort: 10292, Protocol: corev1.ProtocolTCP}}
	if diff := cmp.Diff(wantPorts, c.Ports); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
	for _, p := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe} {
		if p.HTTPGet.Host != "" || p.HTTPGet.Port.IntValue() != 10292 {
			t.Errorf("a probe requests %s:%s, want the pod's address and 10292", p.HTTPGet.Host, p.HTTPGet.Port.String())
		}
	}
	monitor := as[*monitoringv1.PodMonitor](t, readFile(t, "monitoring/podmonitor.yaml"))
	set := daemonSet(t)
	if diff := cmp.Diff(set.Spec.Template.Labels, monitor.Spec.Selector.MatchLabels); diff != "" {
		t.Errorf("the PodMonitor selects (-want +got):\n%s", diff)
	}
	if got := *monitor.Spec.PodMetricsEndpoints[0].Port; got != c.Ports[0].Name {
		t.Errorf("the PodMonitor scrapes port %q, want %q", got, c.Ports[0].Name)
	}
	if monitor.Namespace != set.Namespace {
		t.Errorf("the PodMonitor selects pods in namespace %q, want %q", monitor.Namespace, set.Namespace)
	}
}

func TestDashboardConfigMap(t *testing.T) {
	for _, m := range build(t, filepath.Join(folder, "monitoring")) {
		if c, ok := decode(t, m).(*corev1.ConfigMap); ok {
			if c.Name != "ip-masq-agent-dashboard" || c.Namespace != "kube-system" || c.Labels["grafana_dashboard"] != "1" ||
				c.Data["ip-masq-agent.json"] != string(readFile(t, "monitoring/dashboard.json")) {
				t.Errorf("the dashboard's ConfigMap is not what Grafana's sidecar accepts:\n%s", m)
			}
			return
		}
	}
	t.Error("there is no ConfigMap with the dashboard")
}

// TestSeveralConfigMaps checks that the component changes only the volume and
// --config, and that the documentation shows the result.
func TestSeveralConfigMaps(t *testing.T) {
	set := operator(t, "", "several-configmaps")
	optional := true
	source := func(name string) corev1.VolumeProjection {
		return corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: name},
			Items:                []corev1.KeyToPath{{Key: "config", Path: name}},
			Optional:             &optional,
		}}
	}
	want := daemonSet(t)
	want.Spec.Template.Spec.Volumes[0].VolumeSource = corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		Sources: []corev1.VolumeProjection{source("ip-masq-agent"), source("ip-masq-agent-extra")},
	}}
	container(want).Args = append(container(want).Args, "--config="+container(want).VolumeMounts[0].MountPath)
	if diff := cmp.Diff(want, set); diff != "" {
		t.Errorf("the DaemonSet (-want +got):\n%s", diff)
	}

	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(text), "```yaml\nargs:\n")
	shown, _, _ = strings.Cut(shown, "```")
	var documented struct {
		Args         []string             `json:"args"`
		VolumeMounts []corev1.VolumeMount `json:"volumeMounts"`
		Volumes      []corev1.Volume      `json:"volumes"`
	}
	if err := yaml.UnmarshalStrict([]byte("args:\n"+shown), &documented); err != nil {
		t.Fatal(err)
	}
	pod := set.Spec.Template.Spec
	if diff := cmp.Diff(pod.Volumes[:1], documented.Volumes); diff != "" {
		t.Errorf("volumes of the documentation (-component +documentation):\n%s", diff)
	}
	if diff := cmp.Diff(pod.Containers[0].VolumeMounts[:1], documented.VolumeMounts); diff != "" {
		t.Errorf("mounts of the documentation (-component +documentation):\n%s", diff)
	}
	if diff := cmp.Diff(pod.Containers[0].Args[1:], documented.Args); diff != "" {
		t.Errorf("args of the documentation (-component +documentation):\n%s", diff)
	}
}
