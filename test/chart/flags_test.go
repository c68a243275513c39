// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package chart

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
)

// checkJob runs the program with the arguments of a Job, on a directory in place
// of the volume.
func checkJob(t *testing.T, values, job, dir string) (string, error) {
	t.Helper()
	args := slices.Clone(get[*batchv1.Job](t, release(t, values), "Job/"+job).Spec.Template.Spec.Containers[0].Args)
	last := len(args) - 1
	if !strings.HasPrefix(args[last], "/etc/config") {
		t.Fatalf("%s: the last argument of %q is not in the volume", values, args)
	}
	args[last] = dir + strings.TrimPrefix(args[last], "/etc/config")
	return run("", "ip-masq-agent", args...)
}

// TestTheCheckNeedsNoConfigMap checks that the Job succeeds while the ConfigMap
// does not exist, because the agent then uses its defaults.
func TestTheCheckNeedsNoConfigMap(t *testing.T) {
	for _, values := range []string{
		"existingConfigMap: later",
		"enableIPv6: true",
		"extraConfigMaps: [{name: later}]",
	} {
		if out, err := checkJob(t, values, "ip-masq-agent-check", t.TempDir()); err != nil {
			t.Errorf("%s: %v\n%s", values, err, out)
		}
	}
}

// TestFlagsAreChecked checks that the Job runs without a configuration too, and
// fails for flags with which the agent ends.
func TestFlagsAreChecked(t *testing.T) {
	for _, tt := range []struct{ values, job, message string }{
		{"toPorts: 2000-1000", "ip-masq-agent-check", `port range "2000-1000" is reversed`},
		{"toPorts: 1-9,9", "ip-masq-agent-check", "port ranges 1-9 and 9-9 overlap"},
		{"poolLabel: pool\npools: [{name: a, toPorts: 2-1}]", "ip-masq-agent-a-check", `port range "2-1" is reversed`},
	} {
		if out, err := checkJob(t, tt.values, tt.job, t.TempDir()); err == nil || !strings.Contains(err.Error(), tt.message) {
			t.Errorf("%s: want an error with %q, got %v\n%s", tt.values, tt.message, err, out)
		}
	}
}

// TestFlagsAreRejected has the flags with which the agent ends and that can be
// found without a cluster.
func TestFlagsAreRejected(t *testing.T) {
	for values, message := range map[string]string{
		`toPorts: "70000"`:      "at '/toPorts': '70000' does not match pattern",
		`toPorts: "0"`:          "at '/toPorts': '0' does not match pattern",
		"toPorts: 1-65536":      "at '/toPorts': '1-65536' does not match pattern",
		"toPorts: 1-2,99999":    "at '/toPorts': '1-2,99999' does not match pattern",
		"masqChain: MASQUERADE": "masqChain: MASQUERADE is a name of iptables itself: choose another, such as IP-MASQ",
		"masqChain: CLUSTERIP":  "masqChain: CLUSTERIP is a name of iptables itself",
		"poolLabel: pool\npools: [{name: a, masqChain: standard}]":        "pool a: masqChain: standard is a name of iptables itself",
		"args: [--to-ports=70000]":                                        "args: --to-ports=70000: set toPorts instead, so that the flag is checked before an install",
		"args: [-enable-ipv6]":                                            "args: -enable-ipv6: set enableIPv6 instead",
		"args: [--config=/x]":                                             "args: --config=/x: set config, existingConfigMap or extraConfigMaps instead",
		"poolLabel: pool\npools: [{name: a, args: [--backend=nftables]}]": "pool a: args: --backend=nftables: set backend instead",
	} {
		rejects(t, values, message)
	}
	for _, values := range []string{"toPorts: 1-65535", `toPorts: "0080"`, "toPorts: 9,10-99,100-999,1000-9999,10000-59999,60000-64999,65000-65499,65500-65529,65530-65535"} {
		release(t, values)
	}
}

// TestReservedChains compares the chain names that the chart rejects with those
// words of the agent's source that the agent rejects.
func TestReservedChains(t *testing.T) {
	var want []string
	for _, word := range regexp.MustCompile(`\b\w+\b`).FindAllString(readText(t, repository+"/pkg/iptables/name.go"), -1) {
		if slices.Contains(want, word) {
			continue
		}
		_, err := run("{}", "ip-masq-agent", "check", "--masq-chain="+word, "-")
		if err != nil && strings.Contains(err.Error(), "belongs to iptables itself") {
			want = append(want, word)
		}
	}
	_, list, _ := strings.Cut(readText(t, chart+"/templates/_validate_flags.tpl"), `define "ip-masq-agent.reservedChains" -}}`)
	list, _, _ = strings.Cut(list, "{{- end")
	got := strings.Fields(list)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reserved chain names (-agent +chart):\n%s", diff)
	}
}
