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

// TestKeepsThePage: whatever the GKE page's manifest says, ours says too, but
// for the image and for being privileged.
func TestKeepsThePage(t *testing.T) {
	text, err := os.ReadFile("testdata/page.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var page, ours any
	if err := yaml.Unmarshal(text, &page); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(readFile(t, "ip-masq-agent.yaml"), &ours); err != nil {
		t.Fatal(err)
	}
	for _, m := range missing("", page, ours) {
		if !strings.HasSuffix(m, ".image") && !strings.HasSuffix(m, ".securityContext.privileged") {
			t.Errorf("not as on the page: %s", m)
		}
	}
	for _, comment := range []string{
		"\n        # The masq-chain must be IP-MASQ\n        - --masq-chain=IP-MASQ\n",
		"\n        # To non-masquerade reserved IP ranges by default,\n        # uncomment the following line.\n        # - --nomasq-all-reserved-ranges\n",
	} {
		if !strings.Contains(string(readFile(t, "ip-masq-agent.yaml")), comment) {
			t.Errorf("not as on the page:%s", comment)
		}
	}
}

// missing lists the places where ours does not have what the page has. A list
// has an element if one of its own has all that is in it.
func missing(path string, page, ours any) []string {
	var all []string
	switch page := page.(type) {
	case map[string]any:
		ours, _ := ours.(map[string]any)
		for key, value := range page {
			all = append(all, missing(path+"."+key, value, ours[key])...)
		}
	case []any:
		ours, _ := ours.([]any)
		for i, value := range page {
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
		if page != ours {
			all = append(all, path)
		}
	}
	return all
}

// TestMissing: the comparison above can fail.
func TestMissing(t *testing.T) {
	var page, ours any
	for text, into := range map[string]*any{
		"{a: 1, b: [{n: x, v: 1}, {n: y, v: 2}], c: [p, q], d: {e: true}}": &page,
		"{a: 2, b: [{n: y, v: 3, w: 4}, {n: x, v: 1}], c: [q], d: null}":   &ours,
	} {
		if err := yaml.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]bool{}
	for _, m := range missing("", page, ours) {
		got[m] = true
	}
	want := map[string]bool{".a": true, ".b[1].v": true, ".c[0]": true, ".d.e": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

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
		t.Error("it gets a token for the Kubernetes API, which it never asks")
	}
	for _, m := range pod.Containers[0].VolumeMounts {
		if m.Name == "config-volume" && !m.ReadOnly {
			t.Error("its configuration is mounted to write")
		}
	}
	if len(pod.Containers) != 1 || len(pod.InitContainers) != 0 {
		t.Error("it has more than one container")
	}
}

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
		t.Errorf("limits %v: a legacy restore of a large table would be killed by one", r.Limits)
	}
	small := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("16Mi")}
	if diff := cmp.Diff(small, r.Requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}

	// Without the node's own lock file, a legacy write can lose kube-proxy's.
	const lock = "/run/xtables.lock"
	create := corev1.HostPathFileOrCreate
	want := corev1.Volume{Name: "xtables-lock", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: lock, Type: &create}}}
	if diff := cmp.Diff(want, pod.Volumes[len(pod.Volumes)-1]); diff != "" {
		t.Errorf("the last volume (-want +got):\n%s", diff)
	}
	mounts := pod.Containers[0].VolumeMounts
	if diff := cmp.Diff(corev1.VolumeMount{Name: "xtables-lock", MountPath: lock}, mounts[len(mounts)-1]); diff != "" {
		t.Errorf("its mount (-want +got):\n%s", diff)
	}
}

// TestProbesAskTheLoopbackDevice: with hostNetwork a probe without a host asks
// the node's address, where the agent does not listen.
func TestProbesAskTheLoopbackDevice(t *testing.T) {
	c := daemonSet(t).Spec.Template.Spec.Containers[0]
	for path, probe := range map[string]*corev1.Probe{"/readyz": c.ReadinessProbe, "/healthz": c.LivenessProbe} {
		want := &corev1.HTTPGetAction{Host: "127.0.0.1", Port: intstr.FromInt32(10292), Path: path}
		if probe == nil {
			t.Errorf("no probe of %s", path)
		} else if diff := cmp.Diff(want, probe.HTTPGet); diff != "" {
			t.Errorf("the probe (-want +got):\n%s", diff)
		}
	}
	// A pass counts as stuck after 60 s; before that nothing may restart it.
	if l := c.LivenessProbe; l != nil && l.PeriodSeconds*l.FailureThreshold < 60 {
		t.Errorf("it is restarted after %d s", l.PeriodSeconds*l.FailureThreshold)
	}
}
