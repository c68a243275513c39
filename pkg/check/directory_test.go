// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
)

// TestManifestDirectories checks manifests with agents whose --config is a volume.
func TestManifestDirectories(t *testing.T) {
	const (
		list  = "data: {config: 'nonMasqueradeCIDRs: [10.0.0.0/8]'}"
		extra = "data: {config: 'nonMasqueradeCIDRs: [100.64.0.0/10]'}"
	)
	source := func(name, item string) string {
		return "{configMap: {name: " + name + ", optional: true, items: [{key: config, path: " + item + "}]}}"
	}
	two := daemonSet("n", "--config=/etc/config/", "projected: {sources: ["+source("a", "a")+", "+source("b", "b")+", "+source("c", "c")+"]}")
	whole := daemonSet("n", "--config=/etc/config", "projected: {sources: [{configMap: {name: a}}, {configMap: {name: b}}]}")
	tests := []struct {
		name, text string
		want       string // ConfigMaps, problems and warnings, ranges that are not masqueraded
	}{
		{"merged", object("n/b", extra) + object("n/a", list) + two, "n/a, n/b: 169.254.0.0/16 10.0.0.0/8 100.64.0.0/10"},
		{"one of them is not there", object("n/b", extra) + two, "n/b: 169.254.0.0/16 100.64.0.0/10"},
		{"a key is not there", object("n/a", list) + object("n/b", "data: {x: y}") + two, "n/a: 169.254.0.0/16 10.0.0.0/8"},
		{"one is invalid", object("n/a", list) + object("n/b", "data: {config: '"+typo+"'}") + two,
			"n/a, n/b:\nf:3: masqLinkLocl: is an unknown key: did you mean masqLinkLocal?"},
		{"the same network", "x: 1\n---\n" + object("n/a", list) + object("n/b", strings.Replace(list, "[", "[10.1.2.3/8, ", 1)) + two,
			"n/a, n/b: 169.254.0.0/16 10.0.0.0/8\n" +
				"f:5: nonMasqueradeCIDRs: \"10.1.2.3/8\" repeats \"10.0.0.0/8\" in /etc/config/a:1: remove one of the two\n" +
				"f:5: nonMasqueradeCIDRs: \"10.0.0.0/8\" repeats \"10.0.0.0/8\" in /etc/config/a:1: remove one of the two"},
		{"every key", object("n/a", "data: {x: 'masqLinkLocal: true', .hidden: '"+typo+"'}") + object("n/b", extra) + whole, "n/b, n/a: 100.64.0.0/10"},
		{"a ConfigMap as the directory", object("n/a", "data: {y: 'masqLinkLocal: true', x: 'nonMasqueradeCIDRs: [1.0.0.0/8]'}") + daemonSet("n", "--config=/etc/config", "configMap: {name: a}"), "n/a: 1.0.0.0/8"},
		{"a subdirectory", object("n/a", list) + daemonSet("n", "--config=/etc/config", "configMap: {name: a, items: [{key: config, path: d/f}]}"),
			"n/a: 169.254.0.0/16 10.0.0.0/8\nf:3: has DaemonSet n/ds, which does not read ConfigMap n/a: it mounts no ConfigMap at /etc/config: write the same namespace, name and path in both"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			results := checkData("f", []byte(tt.text), Options{})
			if len(results) != 1 {
				t.Fatalf("%d results", len(results))
			}
			if diff := cmp.Diff(tt.want, summary(results[0])); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// summary returns the ConfigMaps with the ranges of the first chain, then the
// problems and warnings.
func summary(r Result) string {
	out := r.ConfigMap + ":"
	for _, c := range r.Chains[:min(len(r.Chains), 1)] {
		for line := range strings.Lines(c.Restore) {
			if _, rest, found := strings.Cut(line, " -d "); found {
				out += " " + strings.Fields(rest)[0]
			}
		}
	}
	for _, p := range append(r.Problems, r.Warnings...) {
		out += "\n" + p.String()
	}
	return out
}

func TestDirectory(t *testing.T) {
	manifest := object("n/a", "data: {config: '"+typo+"'}")
	file := func(name, text string) config.File { return config.File{Name: "d/" + name, Data: []byte(text)} }
	tests := []struct {
		name     string
		files    config.Files
		isVolume bool
		want     []string // FILE: and its summary
	}{
		{"no files", nil, false, []string{"d: : 169.254.0.0/16 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16"}},
		{"configurations", config.Files{file("a", "masqLinkLocal: true"), file("b", "nonMasqueradeCIDRs:\n- 10.0.0.0/8\n- 10.1.0.0/16\n"), file("c", "nonMasqueradeCIDRs: [10.2.0.0/16]")}, false,
			[]string{"d: : 10.0.0.0/8 10.1.0.0/16 10.2.0.0/16\n" +
				"d/b:3: nonMasqueradeCIDRs: \"10.1.0.0/16\" lies inside 10.0.0.0/8 of the same list: remove it: it changes nothing\n" +
				"d/c:1: nonMasqueradeCIDRs: \"10.2.0.0/16\" lies inside 10.0.0.0/8 of the same list: remove it: it changes nothing"}},
		{"manifests", config.Files{file("a.yaml", manifest), {Name: "d/sub", Skipped: true}, file("b.yaml", manifest)}, false,
			[]string{"d/a.yaml: n/a:\nd/a.yaml:1: masqLinkLocl: is an unknown key: did you mean masqLinkLocal?",
				"d/b.yaml: n/a:\nd/b.yaml:1: masqLinkLocl: is an unknown key: did you mean masqLinkLocal?"}},
		{"a manifest in a volume", config.Files{file("a", manifest)}, true,
			[]string{"d: :\nd/a:1: is a whole Kubernetes manifest: write only the value of the ConfigMap's key \"config\""}},
		{"a manifest among configurations", config.Files{file("a", "masqLinkLocal: true"), file("b", manifest)}, false,
			[]string{"d: :\nd/b:1: is a whole Kubernetes manifest: write only the value of the ConfigMap's key \"config\""}},
		{"one that cannot be read", config.Files{file("a", manifest), {Name: "d/b", Err: fmt.Errorf("no")}}, false,
			[]string{"d: :\nd/a:1: is a whole Kubernetes manifest: write only the value of the ConfigMap's key \"config\"\nd/b: cannot be read (no): correct it or remove it from the directory"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, r := range checkDirectory("d", tt.files, tt.isVolume, Options{}) {
				got = append(got, r.File+": "+summary(r))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
