// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package manifests

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// TestContainsTheGKEManifest checks that the manifest contains everything that the
// manifest of the GKE ip-masq-agent documentation has, except for the image and
// the privileged mode. See
// https://cloud.google.com/kubernetes-engine/docs/how-to/ip-masquerade-agent.
func TestContainsTheGKEManifest(t *testing.T) {
	text, err := os.ReadFile("testdata/gke.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var gke, ours any
	if err := yaml.Unmarshal(text, &gke); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(readFile(t, "ip-masq-agent.yaml"), &ours); err != nil {
		t.Fatal(err)
	}
	for _, m := range missing("", gke, ours) {
		if !strings.HasSuffix(m, ".image") && !strings.HasSuffix(m, ".securityContext.privileged") {
			t.Errorf("differs from the GKE documentation: %s", m)
		}
	}
	for _, comment := range []string{
		"\n        # The masq-chain must be IP-MASQ\n        - --masq-chain=IP-MASQ\n",
		"\n        # To non-masquerade reserved IP ranges by default,\n        # uncomment the following line.\n        # - --nomasq-all-reserved-ranges\n",
	} {
		if !strings.Contains(string(readFile(t, "ip-masq-agent.yaml")), comment) {
			t.Errorf("not in the manifest, but in the GKE documentation:%s", comment)
		}
	}
}

// missing returns the paths of values that gke has and ours lacks. A list
// contains an element if one of its elements contains everything in it.
func missing(path string, gke, ours any) []string {
	var all []string
	switch gke := gke.(type) {
	case map[string]any:
		ours, _ := ours.(map[string]any)
		for key, value := range gke {
			all = append(all, missing(path+"."+key, value, ours[key])...)
		}
	case []any:
		ours, _ := ours.([]any)
		for i, value := range gke {
			at := fmt.Sprintf("%s[%d]", path, i)
			best := []string{at}
			for n, candidate := range ours {
				if m := missing(at, value, candidate); n == 0 || len(m) < len(best) {
					best = m
				}
			}
			all = append(all, best...)
		}
	default:
		if gke != ours {
			all = append(all, path)
		}
	}
	return all
}

// TestMissing checks the comparison itself.
func TestMissing(t *testing.T) {
	var gke, ours any
	for text, into := range map[string]*any{
		"{a: 1, b: [{n: x, v: 1}, {n: y, v: 2}], c: [p, q], d: {e: true}}": &gke,
		"{a: 2, b: [{n: y, v: 3, w: 4}, {n: x, v: 1}], c: [q], d: null}":   &ours,
	} {
		if err := yaml.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]bool{}
	for _, m := range missing("", gke, ours) {
		got[m] = true
	}
	want := map[string]bool{".a": true, ".b[1].v": true, ".c[0]": true, ".d.e": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

// TestHasOnlyWhatItNeeds checks the privileges of the container.
func TestHasOnlyWhatItNeeds(t *testing.T) {
	yes, no, root := true, false, int64(0)
	pod := daemonSet(t).Spec.Template.Spec
	want := &corev1.SecurityContext{
		Privileged: &no, AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes, RunAsUser: &root,
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}, Add: []corev1.Capability{"NET_ADMIN", "NET_RAW"}},
	}
	if diff := cmp.Diff(want, pod.Containers[0].SecurityContext); diff != "" {
		t.Errorf("the container's security context (-want +got):\n%s", diff)
	}
	wantPod := &corev1.PodSecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
	if diff := cmp.Diff(wantPod, pod.SecurityContext); diff != "" {
		t.Errorf("the pod's security context (-want +got):\n%s", diff)
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Error("the pod has a token for the Kubernetes API, which the agent does not use")
	}
	for _, m := range pod.Containers[0].VolumeMounts {
		if m.Name == "config-volume" && !m.ReadOnly {
			t.Error("the configuration is mounted read-write")
		}
	}
	if len(pod.Containers) != 1 || len(pod.InitContainers) != 0 {
		t.Error("the pod has more than one container")
	}
}

// TestFitForANode checks the settings of a DaemonSet that runs on every node.
func TestFitForANode(t *testing.T) {
	set := daemonSet(t)
	pod := set.Spec.Template.Spec
	if pod.PriorityClassName != "system-node-critical" {
		t.Errorf("priority class %q", pod.PriorityClassName)
	}
	if diff := cmp.Diff(map[string]string{"kubernetes.io/os": "linux"}, pod.NodeSelector); diff != "" {
		t.Errorf("node selector (-want +got):\n%s", diff)
	}
	if u := set.Spec.UpdateStrategy.RollingUpdate; u == nil || *u.MaxUnavailable != intstr.FromString("10%") {
		t.Errorf("update strategy %v", set.Spec.UpdateStrategy)
	}

	r := pod.Containers[0].Resources
	if len(r.Limits) != 0 {
		t.Errorf("limits %v: a memory limit would kill iptables-legacy-restore with a large table", r.Limits)
	}
	small := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("16Mi")}
	if diff := cmp.Diff(small, r.Requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}

	// Without the node's lock file, iptables-legacy could overwrite rules of
	// kube-proxy.
	const lock = "/run/xtables.lock"
	create := corev1.HostPathFileOrCreate
	want := corev1.Volume{Name: "xtables-lock", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: lock, Type: &create}}}
	if diff := cmp.Diff(want, pod.Volumes[len(pod.Volumes)-1]); diff != "" {
		t.Errorf("the last volume (-want +got):\n%s", diff)
	}
	mounts := pod.Containers[0].VolumeMounts
	if diff := cmp.Diff(corev1.VolumeMount{Name: "xtables-lock", MountPath: lock}, mounts[len(mounts)-1]); diff != "" {
		t.Errorf("mount of that volume (-want +got):\n%s", diff)
	}
}

// TestProbesAskTheLoopbackDevice checks the host of the probes. With
// hostNetwork a probe without a host uses the node's address, where the agent
// does not listen.
func TestProbesAskTheLoopbackDevice(t *testing.T) {
	c := daemonSet(t).Spec.Template.Spec.Containers[0]
	for path, probe := range map[string]*corev1.Probe{"/readyz": c.ReadinessProbe, "/healthz": c.LivenessProbe} {
		want := &corev1.HTTPGetAction{Host: "127.0.0.1", Port: intstr.FromInt32(10292), Path: path}
		if probe == nil {
			t.Errorf("no probe with the path %s", path)
		} else if diff := cmp.Diff(want, probe.HTTPGet); diff != "" {
			t.Errorf("the probe (-want +got):\n%s", diff)
		}
	}
	// The agent reports a stuck sync after 60 s. It must not be restarted
	// earlier.
	if l := c.LivenessProbe; l != nil && l.PeriodSeconds*l.FailureThreshold < 60 {
		t.Errorf("the kubelet restarts the agent after %d s, want at least 60", l.PeriodSeconds*l.FailureThreshold)
	}
}
