// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package chart

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
)

// TestDefaultsAreTheManifest checks that "helm install" without values and
// "kubectl apply -f manifests/ip-masq-agent.yaml" create the same objects,
// whatever the name of the release.
func TestDefaultsAreTheManifest(t *testing.T) {
	text, err := os.ReadFile(repository + "/manifests/ip-masq-agent.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decode(t, string(text)), release(t, "")); diff != "" {
		t.Errorf("the manifest and the chart (-manifest +chart):\n%s", diff)
	}
}

// TestValuesAreTheComponents checks that a value has the same effect as the
// corresponding kustomize component.
func TestValuesAreTheComponents(t *testing.T) {
	const monitoring = "podMonitor: {enabled: true}\nprometheusRule: {enabled: true}\ndashboard: {enabled: true}\nmetrics: {nodeIP: true}\n"
	for _, tt := range []struct {
		name, values string
		components   []string
	}{
		{"monitoring", monitoring, []string{"node-ip"}},
		{"IPv6", monitoring + "enableIPv6: true\ncheckConfig: false\n", []string{"ipv6", "node-ip"}},
		{"several ConfigMaps", monitoring + "extraConfigMaps: [{name: ip-masq-agent-extra}]\ncheckConfig: false\n", []string{"several-configmaps", "node-ip"}},
		{"nftables", monitoring + "backend: nftables\ncheckConfig: false\n", []string{"nftables", "node-ip"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(decode(t, kustomize(t, tt.components...)), release(t, tt.values)); diff != "" {
				t.Errorf("kustomize and the chart (-kustomize +chart):\n%s", diff)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	for values, want := range map[string][]string{
		"masqChain: OTHER":                {"--masq-chain=OTHER"},
		"nomasqAllReservedRanges: true":   {"--masq-chain=IP-MASQ", "--nomasq-all-reserved-ranges"},
		"randomFully: false":              {"--masq-chain=IP-MASQ", "--random-fully=false"},
		"toPorts: 1024-29999,32768-65535": {"--masq-chain=IP-MASQ", "--to-ports=1024-29999,32768-65535"},
		"enableIPv6: auto":                {"--masq-chain=IP-MASQ", "--enable-ipv6=auto"},
		"backend: iptables-legacy":        {"--masq-chain=IP-MASQ", "--backend=iptables-legacy"},
		"metrics: {port: 10293}":          {"--masq-chain=IP-MASQ", "--http-bind-address=127.0.0.1:10293"},
		"logLevel: 4":                     {"--masq-chain=IP-MASQ", "--v=4"},
		"args: [--vmodule=agent=4]":       {"--masq-chain=IP-MASQ", "--vmodule=agent=4"},
		"extraConfigMaps: [{name: team}]": {"--masq-chain=IP-MASQ", "--config=/etc/config"},
	} {
		set := get[*appsv1.DaemonSet](t, release(t, values+"\ncheckConfig: false"), "DaemonSet/ip-masq-agent")
		if diff := cmp.Diff(want, set.Spec.Template.Spec.Containers[0].Args); diff != "" {
			t.Errorf("%s (-want +got):\n%s", values, diff)
		}
	}
}

// TestPortIsProbed checks that the agent, its probes and its container port use
// the same port.
func TestPortIsProbed(t *testing.T) {
	for _, values := range []string{"metrics: {port: 1234}", "metrics: {port: 1234, nodeIP: true}"} {
		c := get[*appsv1.DaemonSet](t, release(t, values), "DaemonSet/ip-masq-agent").Spec.Template.Spec.Containers[0]
		got := []int{c.ReadinessProbe.HTTPGet.Port.IntValue(), c.LivenessProbe.HTTPGet.Port.IntValue()}
		want := []int{1234, 1234}
		for _, p := range c.Ports {
			got, want = append(got, int(p.ContainerPort), int(p.HostPort)), append(want, 1234, 1234)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: ports (-want +got):\n%s", values, diff)
		}
	}
}

func TestNames(t *testing.T) {
	for _, tt := range []struct{ values, name, namespace, label string }{
		{"", "ip-masq-agent", "kube-system", "ip-masq-agent"},
		{"fullnameOverride: azure-ip-masq-agent", "azure-ip-masq-agent", "kube-system", "ip-masq-agent"},
		{"nameOverride: masq", "masq", "kube-system", "masq"},
		{"nameOverride: masq\nfullnameOverride: other", "other", "kube-system", "masq"},
		{"namespaceOverride: \"\"", "ip-masq-agent", "default", "ip-masq-agent"},
	} {
		const config = "\nconfig: {masqLinkLocal: true}\nmetrics: {nodeIP: true}\npodMonitor: {enabled: true}"
		all := release(t, tt.values+config)
		set := get[*appsv1.DaemonSet](t, all, "DaemonSet/"+tt.name)
		got := []string{set.Namespace, set.Spec.Selector.MatchLabels["k8s-app"], set.Spec.Template.Labels["k8s-app"], set.Spec.Template.Spec.Volumes[0].ConfigMap.Name}
		if diff := cmp.Diff([]string{tt.namespace, tt.label, tt.label, tt.name}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.values, diff)
		}
		for _, key := range []string{"ConfigMap/" + tt.name, "PodMonitor/" + tt.name} {
			if all[key] == nil {
				t.Errorf("%s: there is no %s", tt.values, key)
			}
		}
	}
}

// TestNamesThatLookLikeNumbers checks that names that look like numbers are
// rendered as strings.
func TestNamesThatLookLikeNumbers(t *testing.T) {
	all := release(t, `
fullnameOverride: "1e3"
nameOverride: "true"
namespaceOverride: "42"
existingConfigMap: "007"
extraConfigMaps: [{name: "8", key: "9"}]
priorityClassName: "10"
poolLabel: pool
pools: [{name: "11"}]
`)
	set := get[*appsv1.DaemonSet](t, all, "DaemonSet/1e3-11")
	if diff := cmp.Diff(map[string]string{"k8s-app": "true", "pool": "11"}, set.Spec.Selector.MatchLabels); diff != "" {
		t.Errorf("selector (-want +got):\n%s", diff)
	}
}
