// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/masq"
)

// found returns the problems and warnings of a file, one per line, with their
// ConfigMap.
func found(t *testing.T, text string, o Options) []string {
	t.Helper()
	o.Masq.ChainName = "IP-MASQ"
	var out []string
	for _, r := range checkData("f", []byte(text), o) {
		prefix := ""
		if r.ConfigMap != "" {
			prefix = r.ConfigMap + " "
		}
		for _, p := range r.Problems {
			out = append(out, prefix+"problem "+p.String())
		}
		for _, p := range r.Warnings {
			out = append(out, prefix+"warning "+p.String())
		}
		if len(r.Problems) > 0 != (len(r.Chains) == 0) {
			t.Errorf("%d problems and %d chains", len(r.Problems), len(r.Chains))
		}
	}
	return out
}

func cidrs(s string) []netip.Prefix {
	var out []netip.Prefix
	for _, word := range strings.Fields(s) {
		out = append(out, netip.MustParsePrefix(word))
	}
	return out
}

func TestFile(t *testing.T) {
	const list = "nonMasqueradeCIDRs:\n- 10.0.0.0/8\n"
	ipv6 := config.Options{IPv6: true}
	tests := []struct {
		name, text string
		options    Options
		want       []string
	}{
		{name: "valid", text: list},
		{name: "nothing", text: ""},
		{name: "a typo", text: list + "resyscInterval: 60s\n", want: []string{"problem f:3: resyscInterval: is an unknown key: did you mean resyncInterval?"}},
		{name: "host bits", text: "nonMasqueradeCIDRs: [198.15.5.92/24]", want: []string{
			`warning f:1: nonMasqueradeCIDRs: "198.15.5.92/24" has host bits set, so its network is used: write 198.15.5.0/24`}},
		{name: "covered", text: list + "- 10.4.0.0/14 # pods\n", want: []string{
			`warning f:3: nonMasqueradeCIDRs: "10.4.0.0/14" lies inside 10.0.0.0/8 of the same list: remove it: it changes nothing`}},
		{name: "covered, and with host bits", text: list + "- 10.4.9.9/14\n", want: []string{
			`warning f:3: nonMasqueradeCIDRs: "10.4.9.9/14" has host bits set, so its network is used: write 10.4.0.0/14`,
			`warning f:3: nonMasqueradeCIDRs: "10.4.0.0/14" lies inside 10.0.0.0/8 of the same list: remove it: it changes nothing`}},
		{name: "covered but for an exception", text: list + "- 10.4.1.0/24\nmasqueradeCIDRs: [10.4.0.0/14]\n"},
		{name: "exception to nothing", text: list + "masqueradeCIDRs: [11.0.0.0/8]\n", want: []string{
			`warning f:3: masqueradeCIDRs: "11.0.0.0/8" is masqueraded anyway, because it lies in no range of nonMasqueradeCIDRs: remove it: it changes nothing`}},
		{name: "link-local", text: list + "- 169.254.0.0/16\n", want: []string{
			`warning f:3: nonMasqueradeCIDRs: "169.254.0.0/16" lies inside 169.254.0.0/16, which is link-local and not masqueraded anyway: remove it: it changes nothing`}},
		{name: "link-local masqueraded", text: list + "- 169.254.0.0/16\nmasqLinkLocal: true\n"},
		{name: "empty", text: "nonMasqueradeCIDRs: []\n", want: []string{
			"warning f: nonMasqueradeCIDRs: has no IPv4 range, so all IPv4 traffic is masqueraded, also between pods and to nodes: add the ranges of pods and nodes, unless this is intended"}},
		{name: "no IPv6", text: list, options: Options{Config: ipv6}, want: []string{
			"warning f: nonMasqueradeCIDRs: has no IPv6 range, so all IPv6 traffic is masqueraded, also between pods and to nodes: add the ranges of pods and nodes, unless this is intended"}},
		{name: "IPv6 on some nodes", text: list, options: Options{Config: ipv6, AutoIPv6: true}, want: []string{
			"warning f: nonMasqueradeCIDRs: has no IPv6 range, so on nodes that forward IPv6 all IPv6 traffic is masqueraded, also between pods and to nodes: add the ranges of pods and nodes, unless this is intended"}},
		{name: "pods and nodes", text: list, options: Options{Pods: cidrs("10.4.0.0/14"), Nodes: cidrs("10.128.0.0/20")}},
		{name: "pods not", text: list, options: Options{Pods: cidrs("100.64.0.0/10")}, want: []string{
			"warning f: nonMasqueradeCIDRs: does not cover 100.64.0.0/10 of pods (--pod-cidr): traffic to it is masqueraded: add 100.64.0.0/10"}},
		{name: "nodes in part", text: "nonMasqueradeCIDRs: [10.0.0.0/9]\n", options: Options{Nodes: cidrs("10.0.0.0/8")}, want: []string{
			"warning f: nonMasqueradeCIDRs: does not cover all of 10.0.0.0/8 of nodes (--node-cidr): traffic to 10.128.0.0/9 is masqueraded: add 10.0.0.0/8"}},
		{name: "pods but for an exception", text: list + "masqueradeCIDRs: [10.5.0.0/16]\n", options: Options{Pods: cidrs("10.4.0.0/14")}, want: []string{
			"warning f: nonMasqueradeCIDRs: does not cover all of 10.4.0.0/14 of pods (--pod-cidr): traffic to 10.5.0.0/16 is masqueraded: remove 10.5.0.0/16 from masqueradeCIDRs, unless this is intended"}},
		{name: "sources", text: list + "sourceCIDRs: [10.4.0.0/14]\n", options: Options{Pods: cidrs("10.4.0.0/14 10.5.0.0/16")}},
		{name: "empty, with sources", text: "nonMasqueradeCIDRs: []\nsourceCIDRs: [10.4.0.0/14]\n", want: []string{
			"warning f: nonMasqueradeCIDRs: has no IPv4 range, so all IPv4 traffic from sourceCIDRs is masqueraded, also between pods and to nodes: add the ranges of pods and nodes, unless this is intended"}},
		{name: "pods that are no sources", text: list + "sourceCIDRs: [10.4.0.0/15, 10.6.0.0/16]\n", options: Options{Pods: cidrs("10.4.0.0/14 10.8.0.0/14")}, want: []string{
			"warning f: sourceCIDRs: does not cover all of 10.4.0.0/14 of pods (--pod-cidr): traffic from 10.7.0.0/16 is not masqueraded: add 10.4.0.0/14",
			"warning f: sourceCIDRs: does not cover 10.8.0.0/14 of pods (--pod-cidr): traffic from it is not masqueraded: add 10.8.0.0/14"}},
		{name: "a source inside another", text: list + "- 11.244.0.0/16\nsourceCIDRs:\n- 11.0.0.0/8\n- 11.244.0.0/16\n", want: []string{
			`warning f:6: sourceCIDRs: "11.244.0.0/16" lies inside 11.0.0.0/8 of the same list: remove it: it changes nothing`}},
		{name: "a source inside another, in an alias", text: "nonMasqueradeCIDRs: &all\n- 11.0.0.0/8\n- 11.244.0.0/16\nsourceCIDRs: *all\n", want: []string{
			`warning f:3: nonMasqueradeCIDRs: "11.244.0.0/16" lies inside 11.0.0.0/8 of the same list: remove it: it changes nothing`,
			`warning f:3: sourceCIDRs: "11.244.0.0/16" lies inside 11.0.0.0/8 of the same list: remove it: it changes nothing`}},
		{name: "no IPv6 sources", text: list + "- fd00::/8\nsourceCIDRs: [10.4.0.0/14]\n", options: Options{Config: ipv6, Pods: cidrs("10.4.0.0/14 fd01::/48")}, want: []string{
			"warning f: sourceCIDRs: has no IPv6 range, so no IPv6 traffic is masqueraded: add the IPv6 ranges of the pods, unless this is intended"}},
		{name: "no sources at all", text: list + "sourceCIDRs: []\n", want: []string{
			"warning f:3: sourceCIDRs: is empty, so traffic from any source is masqueraded: write the ranges of the pods, or remove the key"}},
		{name: "IPv6 pods", text: list, options: Options{Pods: cidrs("fd00::/48")}, want: []string{
			"warning f: cannot cover fd00::/48 of pods (--pod-cidr), because IPv6 is disabled: add --enable-ipv6"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, found(t, tt.text, tt.options)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestManifest checks that problems have the lines of the manifest, or the line of
// the value if the lines of the text are not lines of the manifest.
func TestManifest(t *testing.T) {
	const metadata = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
	const typo = "kube-system/ip-masq-agent problem f:%d: masqLinkLocl: is an unknown key: did you mean masqLinkLocal?"
	tests := []struct {
		name, text string
		want       []string
	}{
		{"literal", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ip-masq-agent\n  namespace: kube-system\ndata:\n  config: |\n    masqLinkLocl: true\n", []string{fmt.Sprintf(typo, 8)}},
		{"literal with a blank line", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ip-masq-agent, namespace: kube-system}\ndata:\n  config: |-\n\n    # first\n    masqLinkLocl: true\n", []string{fmt.Sprintf(typo, 8)}},
		{"quoted", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ip-masq-agent, namespace: kube-system}\ndata:\n  config: \"resyncInterval: 60s\\nmasqLinkLocl: true\\n\"\n", []string{fmt.Sprintf(typo, 5)}},
		{"JSON", `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ip-masq-agent", "namespace": "kube-system"},` + "\n" + `"data": {"config": "{\"masqLinkLocl\": true}"}}`, []string{fmt.Sprintf(typo, 2)}},
		{"after other documents", "# head\n---\n" + metadata + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ip-masq-agent, namespace: kube-system}\ndata:\n  config: |\n    masqLinkLocl: true\n---\n", []string{fmt.Sprintf(typo, 13)}},
		{"two, in a list", "apiVersion: v1\nkind: List\nitems:\n" +
			"- {apiVersion: v1, kind: ConfigMap, metadata: {name: ip-masq-agent, namespace: kube-system}, data: {config: 'masqLinkLocl: true'}}\n" +
			"- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {config: 'nonMasqueradeCIDRs: [10.0.0.0]'}}\n",
			[]string{fmt.Sprintf(typo, 4), `default/b problem f:5: nonMasqueradeCIDRs: "10.0.0.0" is a bare IP address: write 10.0.0.0/32`}},
		{"without a configuration", metadata + "data:\n  other: x\n", []string{
			`problem f: is a manifest without a ConfigMap of the agent, with the key "config" or "ip-masq-agent": put the configuration below data, as "config: |"`}},
		{"a valid one", metadata + "data:\n  config: |\n    nonMasqueradeCIDRs: [10.0.0.0/8]\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, found(t, tt.text, Options{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestBroken checks that a text that does not parse is left to the parser of the
// agent, even if it begins as a manifest.
func TestBroken(t *testing.T) {
	const text = "apiVersion: v1\nkind: ConfigMap\ndata: {\n"
	_, _, _, err := config.Files{{Name: "f", Data: []byte(text)}}.Parse(config.Options{})
	var invalid *config.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(invalid.Problems, checkData("f", []byte(text), Options{})[0].Problems); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestChains compares the chains with those of the package masq.
func TestChains(t *testing.T) {
	o := Options{Config: config.Options{IPv6: true}, Masq: masq.Options{ChainName: "IP-MASQ", RandomFully: true}}
	const text = "nonMasqueradeCIDRs: [10.0.0.0/8, 'fd00::/8']\nmasqueradeCIDRs: [10.9.0.0/16]\n"
	c, _, _, err := config.Files{{Name: "f", Data: []byte(text)}}.Parse(o.Config)
	if err != nil {
		t.Fatal(err)
	}
	var want []Chain
	for _, f := range families(o) {
		want = append(want, Chain{Family: f.String(), Restore: o.Masq.Chain(f, c).String()})
	}
	if diff := cmp.Diff(want, checkData("f", []byte(text), o)[0].Chains); diff != "" || len(want) != 2 {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
