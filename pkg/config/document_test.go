// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config_test

import (
	"strings"
	"testing"
	"time"

	"ip-masq-agent/pkg/config"
)

func TestParseRefusesText(t *testing.T) {
	const syntax = "check indentation (spaces, no tabs), colons and quotes"
	checkRefusals(t, []refusal{
		{"tab", "nonMasqueradeCIDRs:\n\t- 10.0.0.0/8\n", []string{
			`f:2: does not parse (found character that cannot start any token): ` + syntax + ` around this line`}},
		{"indentation", "masqLinkLocal: true\n resyncInterval: 60s\n", []string{
			`f:2: does not parse (mapping values are not allowed in this context): ` + syntax + ` around this line`}},
		{"bytes that are no text", "\x80\x81", []string{
			`f: does not parse (invalid leading UTF-8 octet): ` + syntax}},
		{"undefined alias", "masqLinkLocal: *yes", []string{
			`f: does not parse (unknown anchor 'yes' referenced): ` + syntax}},
		{"null key", "~: 1", []string{
			`f: does not parse (unsupported map key of type: %!s(<nil>), key: <nil>, value: 1): ` + syntax}},
		{"control characters in a message", `masqLinkLocal: !!int "a\e[31m\nb"`, []string{
			"f: does not parse (cannot decode !!str `a [31m b` as a !!int): " + syntax}},

		{"list", "- 10.0.0.0/8\n- 172.16.0.0/12\n", []string{
			`f:1: "[\"10.0.0.0/8\",\"172.16.0.0/12\"]" is a list, not a mapping of keys to values: write keys with values, such as resyncInterval: 60s`}},
		{"string", "# the interval\n60s\n", []string{
			`f:2: "60s" is a string, not a mapping of keys to values: write keys with values, such as resyncInterval: 60s`}},

		{"second document", "masqLinkLocal: true\n---\nresyncInterval: 5s\n", []string{
			`f:3: has more text after its first document: write a single document`}},
		{"empty first document", "---\n---\nresyncInterval: 5s\n", []string{
			`f:3: has more text after its first document: write a single document`}},
		{"broken second document", "masqLinkLocal: true\n---\na: [\n", []string{
			`f: has more text after its first document: write a single document`}},
		{"text after JSON", "{\"masqLinkLocal\": true}\n{\"resyncInterval\": \"5s\"}\n", []string{
			`f: has more text after its first document: write a single document`}},

		{"manifest", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ip-masq-agent\ndata:\n  config: |\n    masqLinkLocal: true\n", []string{
			`f:1: is a whole Kubernetes manifest: write only the value of the ConfigMap's key "config"`}},
		{"manifest's data", "config: |\n  masqLinkLocal: true\n", []string{
			`f:1: config: is an unknown key: write only what is below it: this file is the value of the ConfigMap's key "config"`}},
	})
}

// Aliases that are followed without a measure would cost the node its memory.
func TestParseRefusesExpansion(t *testing.T) {
	want := []string{`f: grows without measure when its aliases are followed: write the values out, without & and *`}
	checkRefusals(t, []refusal{
		{"an anchor within itself", "nonMasqueradeCIDRs: &a [*a]", want},
		{"a long text many times", "nonMasqueradeCIDRs: [&a \"" + strings.Repeat("x", 500_000) + "\"" + strings.Repeat(", *a", 100_000) + "]", want},
		{"aliases of aliases", "a: &a [x, x, x, x, x, x, x, x, x, x]" +
			"\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]" +
			"\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]" +
			"\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\ng: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]\n", want},
	})
}

func TestParseRefusesKeys(t *testing.T) {
	const keys = "remove it; the keys are nonMasqueradeCIDRs, masqueradeCIDRs, cidrLimit, masqLinkLocal, masqLinkLocalIPv6, resyncInterval"
	checkRefusals(t, []refusal{
		{"swapped letters", "resyscInterval: 60s", []string{`f:1: resyscInterval: is an unknown key: did you mean resyncInterval?`}},
		{"missing letter", "nonMasqueradeCIDR: []", []string{`f:1: nonMasqueradeCIDR: is an unknown key: did you mean nonMasqueradeCIDRs?`}},
		{"other style", "non_masquerade_cidrs: []", []string{`f:1: non_masquerade_cidrs: is an unknown key: did you mean nonMasqueradeCIDRs?`}},
		{"shorter", "linkLocal: true", []string{`f:1: linkLocal: is an unknown key: did you mean masqLinkLocal?`}},
		{"null value", "resyncIntervall:", []string{`f:1: resyncIntervall: is an unknown key: did you mean resyncInterval?`}},
		{"nothing like it", "logLevel: 4", []string{`f:1: logLevel: is an unknown key: ` + keys}},
		{"not a string", "1: 2", []string{`f:1: 1: is an unknown key: ` + keys}},
		{"two lines", `"a\nb": 1`, []string{`f:1: "a\nb": is an unknown key: ` + keys}},
		{"hostile length", strings.Repeat("k", 1000) + ": 1", []string{`f:1: "` + strings.Repeat("k", 80) + `…": is an unknown key: ` + keys}},
		{"by a merge", "<<: {logLevel: 4}", []string{`f: logLevel: is an unknown key: ` + keys}},

		{"twice", "masqLinkLocal: true\nresyncInterval: 60s\nmasqLinkLocal: false\n", []string{
			`f:3: masqLinkLocal: is given twice, here and as "masqLinkLocal" on line 1: keep one of the two`}},
		{"twice in different cases", "nonMasqueradeCIDRs: []\nNonMasqueradeCIDRs: [10.0.0.0/8]\n", []string{
			`f:2: NonMasqueradeCIDRs: is given twice, here and as "nonMasqueradeCIDRs" on line 1: keep one of the two`}},
		{"thrice", "cidrLimit: 1\ncidrLimit: 2\nCIDRLimit: 64\n", []string{
			`f:2: cidrLimit: is given twice, here and as "cidrLimit" on line 1: keep one of the two`,
			`f:3: CIDRLimit: is given twice, here and as "cidrLimit" on line 1: keep one of the two`}},
		{"twice by a merge", "<<: {masqLinkLocal: true}\nmasqLinkLocal: false\n", []string{
			`f: is ambiguous (unmarshal errors: line 2: key "masqLinkLocal" already set in map): give each key once, without <<`}},
		{"twice by a merge in another case", "<<: {MasqLinkLocal: true}\nmasqLinkLocal: false\n", []string{
			`f:2: masqLinkLocal: is given twice, here and as "MasqLinkLocal": keep one of the two`}},
	})
}

// Templates leave a document end behind.
func TestParseTrailingDocument(t *testing.T) {
	want := config.Default(config.Options{})
	want.ResyncInterval = 5 * time.Second
	checkAccepted(t, "---\nresyncInterval: 5s\n---\n# end\n", config.Options{}, want, nil)
}
