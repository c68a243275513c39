// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"ip-masq-agent/pkg/config"
)

// FuzzParse checks that every text results in a valid configuration, with the
// meaning that it has for Kubernetes, or in a [config.InvalidError] with
// suggested fixes.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"nonMasqueradeCIDRs:\n  - 198.15.5.92/24\n  - 10.0.0.0/8\nmasqLinkLocal: false\nresyncInterval: 60s\n",
		"NonMasqueradeCIDRs: [10.0.0.0/8, \"fd00::/8\", 10.1.2.3/8]\nmasqueradeCIDRs:\n- 10.9.0.0/16\ncidrLimit: 64\nmasqLinkLocalIPv6: yes\n",
		`{"nonMasqueradeCIDRs": null, "masqueradeCIDRs": [], "cidrLimit": 0, "resyncInterval": 1.5}`,
		"nonMasqueradeCIDRs: &a [\"::ffff:10.0.0.0/104\", 10.0.0.1, 10.0.0.0/255.0.0.0, 10.0, null, {a: b}]\nmasqueradeCIDRs: *a\n",
		"<<: {masqLinkLocal: true}\nmasqLinkLocal: no\nMasqLinkLocal: ~\n",
		"resyncInterval: 60ms\nresyscInterval: [1m30]\ncidrLimit: \"64\"\n1: 2\n? [a]\n: b\n",
		"apiVersion: v1\nkind: ConfigMap\ndata:\n  config: |\n    masqLinkLocal: true\n",
		"\ufeff---\n# only\n...\n---\nmasqLinkLocal: true\n",
		"sourceCIDRs: [10.244.0.0/16, \"fd00::/64\", 10.244.1.1/16]\nnonMasqueradeCIDRs: []\nmasqueradeSrcCIDRs: []\n",
		"sourceCIDRs:\n- 10.244.0.0/16\nSOURCECIDRS: null\n",
		"{\"masqLinkLocal\": true} \"masqLinkLocalIPv6\"",
		"nonMasqueradeCIDRs: [" + strings.Repeat("10.1.2.3/8, ", 30) + "10.1.0.0/9]\n",
		"masqueradeCIDRs: [" + strings.Repeat("x, ", 200) + "]\n",
		`{"nonMasqueradeCIDRs": ["10.0.0.0\/8", "\ud83d\ude00"]}`,
		"nonMasqueradeCIDRs:\n- {{ .PodCIDR }}\n- ${POD_CIDR}\n",
		"forceMasqueradeCIDRs: []\nmasqLinkLocal: .nan\n",
		"masqLinkLocal: !!int \"a\\e\\nb\"\nnonMasqueradeCIDRs:\n\t- 10.0.0.0/8\n",
	} {
		f.Add([]byte(text), true, true)
		f.Add([]byte(text), false, false)
	}
	f.Fuzz(func(t *testing.T, data []byte, reserved, ipv6 bool) {
		o := config.Options{ReservedRanges: reserved, IPv6: ipv6}
		c, _, warnings, err := config.Files{{Name: "f", Data: data}}.Parse(o)
		checkProblems(t, warnings)
		if err != nil {
			r, ok := errors.AsType[*config.InvalidError](err)
			if !ok || len(r.Problems) == 0 {
				t.Fatalf("%T with no problem: %v", err, err)
			}
			checkProblems(t, r.Problems)
			return
		}
		checkConfig(t, c, ipv6)
		checkMeaning(t, c, data, o)
	})
}

func checkProblems(t *testing.T, problems []config.Problem) {
	if len(problems) > 101 {
		t.Errorf("%d problems", len(problems))
	}
	for _, p := range problems {
		s := p.String()
		if p.Reason == "" || p.Remedy == "" || len(s) > 1000 || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("not a line to act on: %q", s)
		}
	}
}

func checkConfig(t *testing.T, c config.Config, ipv6 bool) {
	seen := make(map[netip.Prefix]bool)
	for _, p := range slices.Concat(c.NonMasquerade, c.Masquerade) {
		if !isNetwork(p, ipv6) || seen[p] {
			t.Errorf("prefix %v of %+v", p, c)
		}
		seen[p] = true
	}
	for i, p := range c.Source {
		if !isNetwork(p, ipv6) || slices.Contains(c.Source[:i], p) {
			t.Errorf("source %v of %+v", p, c)
		}
	}
	if c.ResyncInterval < 100*time.Millisecond {
		t.Errorf("interval %v", c.ResyncInterval)
	}
}

func isNetwork(p netip.Prefix, ipv6 bool) bool {
	return p.IsValid() && p == p.Masked() && !p.Addr().Is4In6() && (p.Addr().Is4() || ipv6)
}

// checkMeaning decodes data as ip-masq-agent 2.12 does, and compares the result.
func checkMeaning(t *testing.T, c config.Config, data []byte, o config.Options) {
	var file struct {
		NonMasqueradeCIDRs, MasqueradeCIDRs, SourceCIDRs []string
		CIDRLimit                                        *int
		MasqLinkLocal, MasqLinkLocalIPv6                 bool
		ResyncInterval                                   any
	}
	// A null list is empty; an absent one is the default.
	var keys map[string]any
	unmarshal := func(data []byte, into any) error { return yaml.UnmarshalStrict(data, into) }
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) && json.Valid(data) { // as k8s.io/apimachinery does
		unmarshal = json.Unmarshal
	}
	if err := errors.Join(unmarshal(data, &file), unmarshal(data, &keys)); err != nil {
		t.Fatalf("accepted, but Kubernetes reads: %v", err)
	}
	want := config.Config{
		NonMasquerade: masked(t, file.NonMasqueradeCIDRs), Masquerade: masked(t, file.MasqueradeCIDRs), Source: masked(t, file.SourceCIDRs),
		MasqLinkLocal: file.MasqLinkLocal, MasqLinkLocalIPv6: file.MasqLinkLocalIPv6,
		ResyncInterval: c.ResyncInterval,
	}
	count := len(file.NonMasqueradeCIDRs) + len(file.MasqueradeCIDRs) + len(file.SourceCIDRs)
	if !hasFold(keys, "nonMasqueradeCIDRs") {
		want.NonMasquerade = config.Default(o).NonMasquerade
		count += len(want.NonMasquerade)
	}
	if file.ResyncInterval == nil {
		want.ResyncInterval = time.Minute
	}
	if diff := cmp.Diff(want, c, comparable); diff != "" {
		t.Errorf("meaning (-want +got):\n%s", diff)
	}
	limit := 64
	if file.CIDRLimit != nil {
		limit = *file.CIDRLimit
	}
	if count > limit {
		t.Errorf("%d entries, over the limit of %d", count, limit)
	}
}

func masked(t *testing.T, list []string) []netip.Prefix {
	var all []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			t.Error(err)
		}
		if p = p.Masked(); !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

func hasFold(keys map[string]any, key string) bool {
	for k := range keys {
		if strings.EqualFold(k, key) {
			return true
		}
	}
	return false
}
