// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
)

// files are named a, b and so on.
func files(texts ...string) config.Files {
	var all config.Files
	for i, text := range texts {
		all = append(all, config.File{Name: string(rune('a' + i)), Data: []byte(text)})
	}
	return all
}

func TestParseFiles(t *testing.T) {
	for _, test := range []struct {
		name      string
		files     config.Files
		non, masq string
		source    string
		linkLocal bool
		warnings  []string
	}{
		{name: "none", non: private},
		{name: "lists are concatenated", files: files("nonMasqueradeCIDRs: [10.0.0.0/8]", "nonMasqueradeCIDRs: [100.64.0.0/10]\nmasqueradeCIDRs: [10.9.0.0/16]", "masqueradeCIDRs: [10.8.0.0/16]"),
			non: "10.0.0.0/8 100.64.0.0/10", masq: "10.9.0.0/16 10.8.0.0/16"},
		{name: "a list of one file replaces the default", files: files("masqLinkLocal: true", "nonMasqueradeCIDRs: [1.0.0.0/8]"), non: "1.0.0.0/8", linkLocal: true},
		{name: "no list, the default", files: files("masqLinkLocal: true", "masqueradeCIDRs: [10.9.0.0/16]"), non: private, masq: "10.9.0.0/16", linkLocal: true},
		{name: "an empty list replaces the default too", files: files("nonMasqueradeCIDRs: []", "masqLinkLocal: true"), linkLocal: true},
		{name: "an empty list beside another", files: files("nonMasqueradeCIDRs: [1.0.0.0/8]", "nonMasqueradeCIDRs:"), non: "1.0.0.0/8"},
		{name: "sources of each", files: files("nonMasqueradeCIDRs: []\nsourceCIDRs: [10.4.0.0/14]", "sourceCIDRs: [10.8.0.0/14, 10.5.5.5/14]"), source: "10.4.0.0/14 10.8.0.0/14", warnings: []string{
			`b:1: sourceCIDRs: "10.5.5.5/14" repeats "10.4.0.0/14" in a:2: remove one of the two`}},
		{name: "an empty list of sources beside another", files: files("nonMasqueradeCIDRs: []\nsourceCIDRs: []", "sourceCIDRs: [10.4.0.0/14]"), source: "10.4.0.0/14"},
		{name: "two empty lists of sources", files: files("nonMasqueradeCIDRs: []", "sourceCIDRs: []", "sourceCIDRs:"), warnings: []string{
			`b:1: sourceCIDRs: is empty, so traffic from any source is masqueraded: write the ranges of the pods, or remove the key`}},
		{name: "empty files", files: files("", "# nothing", "---"), non: private},
		{name: "the same network", files: files("nonMasqueradeCIDRs:\n- 10.0.0.0/8\n", "NonMasqueradeCIDRs:\n- 1.0.0.0/8\n- 10.1.2.3/8\n"), non: "10.0.0.0/8 1.0.0.0/8", warnings: []string{
			`b:3: NonMasqueradeCIDRs: "10.1.2.3/8" repeats "10.0.0.0/8" in a:2: remove one of the two`}},
		{name: "warnings of each", files: files("nonMasqueradeCIDRs: [10.1.2.3/8]", "masqLinkLocal:"), non: "10.0.0.0/8", warnings: []string{
			`a:1: nonMasqueradeCIDRs: "10.1.2.3/8" has host bits set, so its network is used: write 10.0.0.0/8`,
			`b:1: masqLinkLocal: has no value, so its default is used: write a value or remove the key`}},
		{name: "a skipped entry", files: config.Files{{Name: "a", Skipped: true}, {Name: "b", Data: []byte("masqLinkLocal: true")}}, non: private, linkLocal: true, warnings: []string{
			`a: is not a regular file, so it is skipped: remove it from the directory`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, warnings, err := test.files.Parse(config.Options{})
			if err != nil {
				t.Fatal(err)
			}
			want := config.Default(config.Options{})
			want.NonMasquerade, want.Masquerade, want.MasqLinkLocal = prefixes(test.non), prefixes(test.masq), test.linkLocal
			want.Source = prefixes(test.source)
			if diff := cmp.Diff(want, got, comparable); diff != "" {
				t.Errorf("Parse (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(strings.Join(test.warnings, "\n"), lines(warnings)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func lines(problems []config.Problem) string {
	var all []string
	for _, p := range problems {
		all = append(all, p.String())
	}
	return strings.Join(all, "\n")
}

func TestParseRejectsFiles(t *testing.T) {
	list := func(prefix string, n int) string {
		text := "nonMasqueradeCIDRs:\n"
		for i := range n {
			text += fmt.Sprintf("- %s%d.0/24\n", prefix, i)
		}
		return text
	}
	for _, test := range []struct {
		name  string
		files config.Files
		want  string
	}{
		{"a key in two files", files("resyncInterval: 5s", "masqLinkLocal: true", "\nResyncInterval: 5s"),
			`c:2: ResyncInterval: is set in two files, here and as "resyncInterval" in a:1: keep one of the two`},
		{"a key in three files", files("masqLinkLocal: true", "masqLinkLocal:", "masqLinkLocal: true"),
			`b:1: masqLinkLocal: is set in two files, here and as "masqLinkLocal" in a:1: keep one of the two
c:1: masqLinkLocal: is set in two files, here and as "masqLinkLocal" in a:1: keep one of the two`},
		{"the limit is over sources too", files("nonMasqueradeCIDRs: [10.0.0.0/8]", "cidrLimit: 2", "sourceCIDRs: [10.4.0.0/14, 10.8.0.0/14]"),
			`b:1: cidrLimit: "2" is less than the 3 entries of nonMasqueradeCIDRs, masqueradeCIDRs and sourceCIDRs: merge ranges, or raise cidrLimit to 3`},
		{"kept and masqueraded", files("masqueradeCIDRs:\n- 10.9.0.0/16", "nonMasqueradeCIDRs: [10.9.1.1/16]"),
			`a:2: masqueradeCIDRs: "10.9.0.0/16" is the same network as "10.9.1.1/16" in b:1 in nonMasqueradeCIDRs: keep it in one of the two lists`},
		{"the problems of all, and a good one", files("resyncInterval: 1", "x: 1\nnonMasqueradeCIDRs: [10.0.0.1]", "{", "nonMasqueradeCIDRs: [1.0.0.0/33]"),
			`b:1: x: is an unknown key: remove it; the keys are nonMasqueradeCIDRs, masqueradeCIDRs, sourceCIDRs, cidrLimit, masqLinkLocal, masqLinkLocalIPv6, resyncInterval
b:2: nonMasqueradeCIDRs: "10.0.0.1" is a bare IP address: write 10.0.0.1/32
c:1: does not parse (did not find expected node content): check indentation (spaces, no tabs), colons and quotes around this line
d:1: nonMasqueradeCIDRs: "1.0.0.0/33" has a prefix length over 32: write a length from 0 to 32 after the slash`},
		{"the limit is over all", files(list("10.1.", 40), list("10.2.", 30)),
			`a:1: cidrLimit: "64" (the default) is less than the 70 entries of nonMasqueradeCIDRs, masqueradeCIDRs and sourceCIDRs: merge ranges, or raise cidrLimit to 70`},
		{"the limit of another file", files(list("10.1.", 40), "cidrLimit: 30"),
			`b:1: cidrLimit: "30" is less than the 40 entries of nonMasqueradeCIDRs, masqueradeCIDRs and sourceCIDRs: merge ranges, or raise cidrLimit to 40`},
		{"the limit may be in the file that does not parse", files(list("10.1.", 70), "{"),
			`b:1: does not parse (did not find expected node content): check indentation (spaces, no tabs), colons and quotes around this line`},
		{"a file that cannot be read", append(files("resyncInterval: 1ms"), config.File{Name: "b", Err: &fs.PathError{Op: "open", Path: "b", Err: fs.ErrPermission}}),
			`a:1: resyncInterval: "1ms" is less than 100ms: write 100ms or more, such as 60s
b: cannot be read (open b: permission denied): give the agent's user permission to read it`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, _, _, err := test.files.Parse(config.Options{})
			if _, ok := errors.AsType[*config.InvalidError](err); !ok {
				t.Fatalf("Parse = %+v, %v; want an InvalidError", c, err)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(config.Config{}, c); diff != "" {
				t.Errorf("with a configuration (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOrigins(t *testing.T) {
	_, origins, _, err := files("nonMasqueradeCIDRs:\n- 10.0.0.0/8", "masqueradeCIDRs: [10.9.1.1/16]\nsourceCIDRs: [10.0.0.0/8]").Parse(config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string]string{"10.0.0.0/8": "a:2", "10.9.0.0/16": "b:1", "192.168.0.0/16": ""} {
		if got := origins.Destinations[netip.MustParsePrefix(prefix)].String(); got != want {
			t.Errorf("origin of %s: %q, want %q", prefix, got, want)
		}
	}
	if got := origins.Sources[netip.MustParsePrefix("10.0.0.0/8")].String(); got != "b:2" {
		t.Errorf("origin of the source: %q, want b:2", got)
	}
	if _, origins, _, _ = files("masqLinkLocal: true").Parse(config.Options{}); len(origins.Destinations)+len(origins.Sources) > 0 {
		t.Errorf("origins of the defaults: %v", origins)
	}
}
