// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package chart

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
)

// runsOn returns the DaemonSets whose pods the scheduler allows on a node with
// these labels.
func runsOn(t *testing.T, all objects, labels map[string]string) []string {
	t.Helper()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node", Labels: map[string]string{"kubernetes.io/os": "linux"}}}
	for key, value := range labels {
		node.Labels[key] = value
	}
	var names []string
	for key, object := range all {
		set, ok := object.(*appsv1.DaemonSet)
		if !ok {
			continue
		}
		pod := &corev1.Pod{Spec: set.Spec.Template.Spec}
		matches, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		if matches {
			names = append(names, set.Name)
		}
	}
	slices.Sort(names)
	return names
}

// TestOneAgentOnEachNode checks that exactly one of the DaemonSets runs on each
// node, or none if the operator's own affinity excludes the node.
func TestOneAgentOnEachNode(t *testing.T) {
	const pools = "poolLabel: pool\npools: [{name: a}, {name: b, labelValues: [b-1, b-2]}]\n"
	const own = "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [" +
		"{matchExpressions: [{key: zone, operator: In, values: [x]}]}, " +
		"{matchExpressions: [{key: zone, operator: In, values: [z]}, {key: disk, operator: Exists}]}, {}]}}}\n"
	type labels = map[string]string
	for _, tt := range []struct {
		values string
		labels labels
		want   []string
	}{
		{"", labels{"pool": "a"}, []string{"ip-masq-agent"}},
		{pools, nil, []string{"ip-masq-agent"}},
		{pools, labels{"pool": "other"}, []string{"ip-masq-agent"}},
		{pools, labels{"pool": "b"}, []string{"ip-masq-agent"}},
		{pools, labels{"pool": "a"}, []string{"ip-masq-agent-a"}},
		{pools, labels{"pool": "b-1"}, []string{"ip-masq-agent-b"}},
		{pools, labels{"pool": "b-2"}, []string{"ip-masq-agent-b"}},
		{pools, labels{"pool": "a", "kubernetes.io/os": "windows"}, nil},
		{pools + own, labels{"zone": "x"}, []string{"ip-masq-agent"}},
		{pools + own, labels{"zone": "x", "pool": "a"}, []string{"ip-masq-agent-a"}},
		{pools + own, labels{"zone": "z", "disk": "", "pool": "b-1"}, []string{"ip-masq-agent-b"}},
		{pools + own, labels{"zone": "z", "pool": "b-1"}, nil},
		{pools + own, labels{"pool": "a"}, nil},
		{pools + own, nil, nil},
	} {
		if diff := cmp.Diff(tt.want, runsOn(t, release(t, tt.values), tt.labels)); diff != "" {
			t.Errorf("values:\n%s\nDaemonSets on a node with %v (-want +got):\n%s", tt.values, tt.labels, diff)
		}
	}
}

// TestWhatAPoolSets checks that a value of a pool replaces that of the chart,
// and that the other values of the chart apply.
func TestWhatAPoolSets(t *testing.T) {
	all := release(t, `
poolLabel: pool
config: {nonMasqueradeCIDRs: [10.0.0.0/8], masqLinkLocal: true}
logLevel: 2
pools:
- name: same
- name: own
  config: {nonMasqueradeCIDRs: [192.0.2.0/24]}
  backend: nftables
  tolerations: []
- name: defaults
  config: {}
- name: others
  existingConfigMap: from-elsewhere
`)
	got := map[string][]string{}
	for _, pool := range []string{"", "-same", "-own", "-defaults", "-others"} {
		spec := get[*appsv1.DaemonSet](t, all, "DaemonSet/ip-masq-agent"+pool).Spec.Template.Spec
		got[pool] = append([]string{spec.Volumes[0].ConfigMap.Name}, spec.Containers[0].Args...)
		if want := pool == "-own"; (len(spec.Tolerations) == 0) != want {
			t.Errorf("%s has %d tolerations", pool, len(spec.Tolerations))
		}
	}
	want := map[string][]string{
		"":          {"ip-masq-agent", "--masq-chain=IP-MASQ", "--v=2"},
		"-same":     {"ip-masq-agent", "--masq-chain=IP-MASQ", "--v=2"},
		"-own":      {"ip-masq-agent-own", "--masq-chain=IP-MASQ", "--backend=nftables", "--v=2"},
		"-defaults": {"ip-masq-agent-defaults", "--masq-chain=IP-MASQ", "--v=2"},
		"-others":   {"from-elsewhere", "--masq-chain=IP-MASQ", "--v=2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the ConfigMap and the flags of each pool (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("nonMasqueradeCIDRs:\n- 192.0.2.0/24\n", get[*corev1.ConfigMap](t, all, "ConfigMap/ip-masq-agent-own").Data["config"]); diff != "" {
		t.Errorf("the pool's own configuration (-want +got):\n%s", diff)
	}
	if all["ConfigMap/ip-masq-agent-defaults"] != nil {
		t.Error("a pool with an empty configuration has a ConfigMap")
	}
}

// TestPoolsHaveOneSelectorInCommon checks that one label selects the agents of
// all pools, because monitors and the commands in the documentation use it.
func TestPoolsHaveOneSelectorInCommon(t *testing.T) {
	all := release(t, "poolLabel: pool\npools: [{name: a}]")
	got := map[string]map[string]string{}
	for _, name := range []string{"ip-masq-agent", "ip-masq-agent-a"} {
		set := get[*appsv1.DaemonSet](t, all, "DaemonSet/"+name)
		got[name] = set.Spec.Selector.MatchLabels
		if diff := cmp.Diff(set.Spec.Selector.MatchLabels, set.Spec.Template.Labels); diff != "" {
			t.Errorf("%s: selector and labels (-selector +labels):\n%s", name, diff)
		}
	}
	want := map[string]map[string]string{
		"ip-masq-agent":   {"k8s-app": "ip-masq-agent"},
		"ip-masq-agent-a": {"k8s-app": "ip-masq-agent", "pool": "a"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("selectors (-want +got):\n%s", diff)
	}
}
