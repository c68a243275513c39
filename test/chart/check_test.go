// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package chart

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// TestTheCheckBeforeAnInstall checks the Job: it runs check with the agent's
// flags that affect rules, and with the files that the agent will read.
func TestTheCheckBeforeAnInstall(t *testing.T) {
	for _, tt := range []struct {
		values  string
		args    []string
		sources []string
	}{
		{"config: {cidrLimit: 1}", []string{"check", "--masq-chain=IP-MASQ", "/etc/config"}, []string{"ip-masq-agent-check"}},
		{"existingConfigMap: other", []string{"check", "--masq-chain=IP-MASQ", "/etc/config"}, []string{"other"}},
		{"enableIPv6: true", []string{"check", "--masq-chain=IP-MASQ", "--enable-ipv6", "/etc/config"}, []string{"ip-masq-agent"}},
		{
			"config: {cidrLimit: 1}\nextraConfigMaps: [{name: team}]\nenableIPv6: auto\nlogLevel: 4\nargs: [--vmodule=a=1]",
			[]string{"check", "--masq-chain=IP-MASQ", "--enable-ipv6=auto", "/etc/config"},
			[]string{"ip-masq-agent-check", "team"},
		},
	} {
		pod := get[*batchv1.Job](t, release(t, tt.values), "Job/ip-masq-agent-check").Spec.Template.Spec
		if diff := cmp.Diff(tt.args, pod.Containers[0].Args); diff != "" {
			t.Errorf("%s: arguments (-want +got):\n%s", tt.values, diff)
		}
		if diff := cmp.Diff(tt.sources, configMaps(pod)); diff != "" {
			t.Errorf("%s: ConfigMaps (-want +got):\n%s", tt.values, diff)
		}
	}
}

// TestTheCheckHasItsConfigMap checks the weights of the hooks. helm creates the
// hook with the lower weight first.
func TestTheCheckHasItsConfigMap(t *testing.T) {
	all := release(t, "config: {cidrLimit: 1}")
	job, file := get[*batchv1.Job](t, all, "Job/ip-masq-agent-check"), get[*corev1.ConfigMap](t, all, "ConfigMap/ip-masq-agent-check")
	for name, annotations := range map[string]map[string]string{"Job": job.Annotations, "ConfigMap": file.Annotations} {
		if got := annotations["helm.sh/hook"]; got != "pre-install,pre-upgrade" {
			t.Errorf("the %s is the hook %q", name, got)
		}
	}
	if got := []string{file.Annotations["helm.sh/hook-weight"], job.Annotations["helm.sh/hook-weight"]}; got[0] != "-1" || got[1] != "" {
		t.Errorf("weights of the ConfigMap and the Job: %q", got)
	}
}

// configMaps returns the ConfigMaps from which a pod reads its configuration.
func configMaps(pod corev1.PodSpec) []string {
	volume := pod.Volumes[0]
	if volume.ConfigMap != nil {
		return []string{volume.ConfigMap.Name}
	}
	var names []string
	for _, s := range volume.Projected.Sources {
		names = append(names, s.ConfigMap.Name)
	}
	return names
}

func TestNothingToCheck(t *testing.T) {
	for _, values := range []string{"", "logLevel: 4\nargs: [--vmodule=a=1]\nmetrics: {port: 1}", "checkConfig: false\nconfig: {cidrLimit: 1}\ntoPorts: 1-2"} {
		if all := release(t, values); all["Job/ip-masq-agent-check"] != nil {
			t.Errorf("%q has a Job", values)
		}
	}
}

// TestEachPoolIsChecked checks that there is a Job for each pool, because the
// flags of a pool affect what its file means.
func TestEachPoolIsChecked(t *testing.T) {
	all := release(t, "poolLabel: pool\nenableIPv6: true\nconfig: {nonMasqueradeCIDRs: [fd00::/8]}\npools: [{name: a, backend: nftables}]")
	pod := get[*batchv1.Job](t, all, "Job/ip-masq-agent-a-check").Spec.Template.Spec
	want := []string{"check", "--masq-chain=IP-MASQ", "--enable-ipv6", "--backend=nftables", "/etc/config"}
	if diff := cmp.Diff(want, pod.Containers[0].Args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ip-masq-agent-a-check"}, configMaps(pod)); diff != "" {
		t.Errorf("ConfigMaps (-want +got):\n%s", diff)
	}
}

// TestCheckReadsTheRelease checks that "helm template | ip-masq-agent check -"
// finds errors that the schema cannot find.
func TestCheckReadsTheRelease(t *testing.T) {
	for _, tt := range []struct{ values, want string }{
		{"config: {nonMasqueradeCIDRs: [10.0.0.0/8]}", "-A IP-MASQ -m comment --comment \"ip-masq-agent: local traffic is not subject to MASQUERADE\" -d 10.0.0.0/8 -j RETURN"},
		{"config: {nonMasqueradeCIDRs: [10.0.0.0/8], masqueradeCIDRs: [10.0.0.0/8]}", "10.0.0.0/8"},
		{"config: {nonMasqueradeCIDRs: [10.0.0.0/8, 11.0.0.0/8], cidrLimit: 1}", "cidrLimit"},
	} {
		out, err := render(tt.values)
		if err != nil {
			t.Fatal(err)
		}
		checked, err := run(out, "ip-masq-agent", "check", "-")
		if !strings.Contains(checked, tt.want) || (err == nil) != strings.HasPrefix(tt.want, "-A") {
			t.Errorf("check of %s: %v\n%s", tt.values, err, checked)
		}
	}
}
