// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
)

// TestManifestWithoutConfigMap checks that an agent whose ConfigMap is not in the
// manifest gets the default chain, with its flags, if it starts without a ConfigMap.
func TestManifestWithoutConfigMap(t *testing.T) {
	const (
		optional = "configMap: {name: a, optional: true, items: [{key: config, path: ip-masq-agent}]}"
		required = "configMap: {name: a, items: [{key: config, path: ip-masq-agent}]}"
		several  = "projected: {sources: [{configMap: {name: a, optional: true}}, {configMap: {name: b, optional: true}}, {configMap: {name: a, optional: true}}]}"
		defaults = "f: has no ConfigMap of the agent (n/a): the defaults apply, unless the cluster has one\n"
		flags    = "f: with the flags of DaemonSet n/ds: --enable-ipv6\n"
	)
	// WithFlags applies the arguments of daemonSet.
	withFlags := func(o Options, args []string) (Options, error) {
		o.Config = config.Options{ReservedRanges: len(args) > 0}
		return o, nil
	}
	noFile := strings.TrimPrefix(noConfig, "problem ") + "\nf: invalid: 1 problem; a running agent keeps its last valid configuration\n"
	tests := []struct {
		name, text string
		pods       string
		want       string // before the chain
		ranges     int    // of the chain, without link-local
	}{
		{"optional", daemonSet("n", "", optional), "", "f: with the flags of DaemonSet n/ds:\n" + defaults + "f: valid\n", 3},
		{"with flags", daemonSet("n", "--enable-ipv6", optional), "", flags + defaults + "f: valid\n", 11},
		{"beside the ConfigMap of another program", object("n/x", "data: {config: 'logLevel: 4'}") + daemonSet("n", "--enable-ipv6", optional), "", flags + defaults + "f: valid\n", 11},
		{"several ConfigMaps", daemonSet("n", "--enable-ipv6, --config=/etc/config", several), "",
			"f: with the flags of DaemonSet n/ds: --enable-ipv6 --config=/etc/config\n" + strings.Replace(defaults, "n/a", "n/a, n/b", 1) + "f: valid\n", 11},
		{"no volume of a ConfigMap", daemonSet("n", "--enable-ipv6", "emptyDir: {}"), "", flags + strings.Replace(defaults, " (n/a)", "", 1) + "f: valid\n", 11},
		{"the defaults do not cover the pods", daemonSet("n", "--enable-ipv6", optional), "11.0.0.0/8",
			"f: nonMasqueradeCIDRs: does not cover 11.0.0.0/8 of pods (--pod-cidr): traffic to it is masqueraded: add 11.0.0.0/8 (warning)\n" +
				flags + defaults + "f: valid, with 1 warning\n", 11},
		{"required", daemonSet("n", "", required), "", noFile, 0},
		{"no agent", object("n/x", "data: {config: 'logLevel: 4'}"), "", noFile, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{WithFlags: withFlags, Pods: cidrs(tt.pods)}
			o.Masq.ChainName = "IP-MASQ"
			var b strings.Builder
			if err := Write(&b, checkData("f", []byte(tt.text), o)); err != nil {
				t.Fatal(err)
			}
			got, chain, _ := strings.Cut(b.String(), "\nIPv4:\n")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if ranges := max(0, strings.Count(chain, "-j RETURN")-1); ranges != tt.ranges {
				t.Errorf("%d ranges, want %d:\n%s", ranges, tt.ranges, chain)
			}
		})
	}
}

// TestManifestWithTwoAgents has the ConfigMap of one agent. The other one has the
// defaults.
func TestManifestWithTwoAgents(t *testing.T) {
	text := object("n/a", "data: {config: 'nonMasqueradeCIDRs: [1.0.0.0/8]'}") +
		daemonSet("n", "", "configMap: {name: a, items: [{key: config, path: ip-masq-agent}]}") +
		daemonSet("n", "--enable-ipv6", "configMap: {name: b, optional: true, items: [{key: config, path: ip-masq-agent}]}")
	var got []string
	for _, r := range checkData("f", []byte(text), Options{}) {
		got = append(got, summary(r)+strings.Join(r.Flags, " "))
	}
	want := []string{"n/a: 169.254.0.0/16 1.0.0.0/8", "n/b: 169.254.0.0/16 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16--enable-ipv6"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
