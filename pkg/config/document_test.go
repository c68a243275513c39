// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ip-masq-agent/pkg/config"
)

func TestParseRejectsText(t *testing.T) {
	const syntax = "check indentation (spaces, no tabs), colons and quotes"
	const more = "has more text after its first document, or a line that is indented less than the first: write a single document, and begin all keys in the same column"
	checkInvalid(t, []invalidText{
		{"tab", "nonMasqueradeCIDRs:\n\t- 10.0.0.0/8\n", []string{
			`f:2: does not parse (found character that cannot start any token): ` + syntax + ` around this line`}},
		{"indentation", "masqLinkLocal: true\n resyncInterval: 60s\n", []string{
			`f:2: does not parse (mapping values are not allowed in this context): ` + syntax + ` around this line`}},
		{"bytes that are no text", "\x80\x81", []string{
			`f:1: does not parse (invalid leading UTF-8 octet): save the file as UTF-8`}},
		{"a letter of Latin-1 in a comment", "masqLinkLocal: true\n# f\xfcr\n", []string{
			`f:2: does not parse (invalid leading UTF-8 octet): save the file as UTF-8`}},
		{"a control character", "masqLinkLocal: true\n\nresyncInterval: 5s\x00\n", []string{
			`f:3: does not parse (control characters are not allowed): remove the control character from this line`}},
		{"no-break spaces of a web page", "# a\u00a0b\nnonMasqueradeCIDRs:\n\u00a0\u00a0- 10.0.0.0/8\n", []string{
			`f:3: does not parse (could not find expected ':'): replace the no-break spaces in this line, which YAML does not treat as spaces`}},
		{"a tab beside a no-break space in a comment", "nonMasqueradeCIDRs:\n\t- 10.0.0.0/8\n\u00a0 # a\u00a0b\n", []string{
			`f:2: does not parse (found character that cannot start any token): ` + syntax + ` around this line`}},
		{"a no-break space in a comment above the error", "nonMasqueradeCIDRs:\n- 10.0.0.0/8 # the\u00a0office\n\t- ::/0\n", []string{
			`f:3: does not parse (found character that cannot start any token): ` + syntax + ` around this line`}},
		{"undefined alias", "masqLinkLocal: *yes", []string{
			`f:1: does not parse (unknown anchor 'yes' referenced): write the value instead of its name with *`}},
		{"undefined alias further below", "masqLinkLocal: true\nnonMasqueradeCIDRs:\n- *private\n", []string{
			`f:3: does not parse (unknown anchor 'private' referenced): write the value instead of its name with *`}},
		{"undefined alias whose name is elsewhere too", "# *pod is\nnonMasqueradeCIDRs: [&pods fd00::/8, *pods]\nsourceCIDRs: [*pod]\n", []string{
			`f:3: does not parse (unknown anchor 'pod' referenced): write the value instead of its name with *`}},
		{"null key", "~: 1", []string{
			`f:1: has a key that is not a string: write keys such as resyncInterval`}},
		{"null key of a mapping", "# one\nmasqLinkLocal: true\ncidrLimit: [{a: 1, ~: 2}]\n", []string{
			`f:3: has a key that is not a string: write keys such as resyncInterval`}},
		{"list as a key", "? [a]\n: 1\n", []string{
			`f:1: has a key that is not a string: write keys such as resyncInterval`}},
		{"no finite number", "cidrLimit: .inf", []string{
			`f:1: has a number that JSON cannot represent: write numbers with digits, not .inf or .nan`}},
		{"no number", "cidrLimit: 5\nresyncInterval: .NaN\n", []string{
			`f:2: has a number that JSON cannot represent: write numbers with digits, not .inf or .nan`}},
		{"no finite number in a list", "masqLinkLocal: true\nsourceCIDRs:\n- 1\n- -.Inf\n", []string{
			`f:4: has a number that JSON cannot represent: write numbers with digits, not .inf or .nan`}},
		{"control characters in a message", `masqLinkLocal: !!int "a\e[31m\nb"`, []string{
			"f: does not parse (cannot decode !!str `a [31m b` as a !!int): " + syntax}},

		{"on the first line", "masqLinkLocal: [", []string{
			`f:1: does not parse (did not find expected node content): ` + syntax + ` around this line`}},
		{"on the first line, which the library does not name", "nonMasqueradeCIDRs: [::/0, fd00::/8]\n", []string{
			`f:1: does not parse (did not find expected node content): ` + syntax + ` around this line`}},
		{"list", "- 10.0.0.0/8\n- 172.16.0.0/12\n", []string{
			`f:1: "[\"10.0.0.0/8\",\"172.16.0.0/12\"]" is a list, not a mapping of keys to values: write keys with values, such as resyncInterval: 60s`}},
		{"string", "# the interval\n60s\n", []string{
			`f:2: "60s" is a string, not a mapping of keys to values: write keys with values, such as resyncInterval: 60s`}},

		{"second document", "masqLinkLocal: true\n---\nresyncInterval: 5s\n", []string{
			`f:3: has more text after its first document: write a single document`}},
		{"empty first document", "---\n---\nresyncInterval: 5s\n", []string{
			`f:3: has more text after its first document: write a single document`}},
		{"broken second document", "masqLinkLocal: true\n---\na: [\n", []string{
			`f:3: does not parse (did not find expected node content): ` + syntax + ` around this line`}},
		{"first key indented", " masqLinkLocal: true\nresyncInterval: 5s\n", []string{`f:2: ` + more}},
		{"first key indented, on the first line", "\n  masqLinkLocal: true # x\n\n resyncInterval: 5s\n", []string{`f:4: ` + more}},
		{"second document, and a problem in the first", "masqLinkLocal: x\n---\nresyncInterval: 5s\n", []string{
			`f:1: masqLinkLocal: "x" is a string, not a boolean: write true or false`,
			`f:3: has more text after its first document: write a single document`}},
		{"text after JSON", "{\"masqLinkLocal\": true}\n{\"resyncInterval\": \"5s\"}\n", []string{
			`f:2: ` + more}},

		{"manifest", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ip-masq-agent\ndata:\n  config: |\n    masqLinkLocal: true\n", []string{
			`f:1: is a whole Kubernetes manifest: write only the value of the ConfigMap's key "config"`}},
		{"a key of a manifest", "kind: ConfigMap\n", []string{
			`f:1: kind: is an unknown key: remove it; the keys are nonMasqueradeCIDRs, masqueradeCIDRs, sourceCIDRs, cidrLimit, masqLinkLocal, masqLinkLocalIPv6, resyncInterval`}},
		{"manifest's data", "config: |\n  masqLinkLocal: true\n", []string{
			`f:1: config: is an unknown key: write only what is below it: this file is the value of the ConfigMap's key "config"`}},
	})
}

func TestParseRejectsTemplates(t *testing.T) {
	const template = " is a template that was not rendered: render it before it becomes a ConfigMap, for example with helm template or envsubst"
	checkInvalid(t, []invalidText{
		{"an item of Helm", "nonMasqueradeCIDRs:\n- 10.0.0.0/8\n- {{ .PodCIDR }}\n", []string{`f:3: "{{ .PodCIDR }}"` + template}},
		{"in quotes", "nonMasqueradeCIDRs:\n- 10.0.0.0/8\n- '{{ .PodCIDR }}'\n", []string{`f:3: nonMasqueradeCIDRs: "{{ .PodCIDR }}"` + template}},
		{"a list", "nonMasqueradeCIDRs: {{ .CIDRs | toJson }}\n", []string{`f:1: "{{ .CIDRs | toJson }}"` + template}},
		{"a control line", "# {{ comment }}\n{{- if .Values.ipv6 }}\nmasqLinkLocalIPv6: true\n{{- end }}\n", []string{`f:2: "{{- if .Values.ipv6 }}"` + template}},
		{"behind a comment", "masqLinkLocal: true\n  # {{ comment }}\nnonMasqueradeCIDRs: {{ .CIDRs }}\n", []string{`f:3: "{{ .CIDRs }}"` + template}},
		{"Jinja", "{% if ipv6 %}\nmasqLinkLocalIPv6: true\n{% endif %}\n", []string{`f:1: "{% if ipv6 %}"` + template}},
		{"a key", "'{{ .Key }}': true\n", []string{`f:1: "{{ .Key }}":` + template}},
		{"in a further document", "masqLinkLocal: true\n---\n{{- if .More }}\n", []string{`f:3: "{{- if .More }}"` + template}},
		{"envsubst", "nonMasqueradeCIDRs: [\"${POD_CIDR}\"]\nresyncInterval: $(INTERVAL)\n", []string{
			`f:1: nonMasqueradeCIDRs: "${POD_CIDR}"` + template, `f:2: resyncInterval: "$(INTERVAL)"` + template}},
	})
}

// TestParseJSON parses JSON that the YAML libraries do not support.
func TestParseJSON(t *testing.T) {
	want := config.Default(config.Options{})
	want.NonMasquerade = prefixes("10.0.0.0/8 1.0.0.0/8")
	for _, text := range []string{
		`{"nonMasqueradeCIDRs": ["10.0.0.0\/8", "1.0.0.0/8"]}`,
		" \n{\"nonMasqueradeCIDRs\"\n:\n[\"\\u0031\\u0030.0.0.0\\/8\",\t\"1.0.0.0\\u002f8\"\n]}\n",
		"\ufeff{\"nonMasqueradeCIDRs\": [\"10.0.0.0\\/8\", \"1.0.0.0/8\"]}",
	} {
		checkAccepted(t, text, config.Options{}, want, nil)
	}
	short := config.Default(config.Options{})
	short.ResyncInterval = 5 * time.Second
	checkAccepted(t, `{"cidrLimit":10,"resyncInterval":"5s"}`, config.Options{}, short, nil)
	const example = "write a CIDR, such as 10.0.0.0/8"
	checkInvalid(t, []invalidText{
		{"lines stay", "{\n\"nonMasqueradeCIDRs\": [\n\"10.0.0.0\\/8\",\n\"a\\\\\\/\\ud83d\\ude00\\\"\"\n]}", []string{
			"f:4: nonMasqueradeCIDRs: \"a\\\\/😀\\\"\" is not a CIDR: " + example}},
		{"behind an empty string", `{"nonMasqueradeCIDRs": ["", "10.0.0.0\/8"]}`, []string{
			"f:1: nonMasqueradeCIDRs: is an empty item: remove it or " + example}},
		{"not UTF-8", "{\"nonMasqueradeCIDRs\": [\"\x80\"]}", []string{
			"f:1: does not parse (invalid leading UTF-8 octet): save the file as UTF-8"}},
		{"a list is not JSON", `["10.0.0.0\/8"]`, []string{
			`f:1: does not parse (found unknown escape character): write / instead of \/, unless the whole file is JSON`}},
		{"quotes of YAML in a brace", `{nonMasqueradeCIDRs: ['"\u0031"']}`, []string{
			`f:1: nonMasqueradeCIDRs: "\"\\u0031\"" is not a CIDR: ` + example}},
		{"YAML is not JSON", `{nonMasqueradeCIDRs: ["a\zb"]}`, []string{
			`f:1: does not parse (found unknown escape character): write / instead of \/, unless the whole file is JSON`}},
	})
}

// Aliases that expand without a limit would use up the memory of the node.
func TestParseRejectsExpansion(t *testing.T) {
	want := []string{`f: is larger than 4 MiB after its aliases are replaced: write the values without & and *`}
	checkInvalid(t, []invalidText{
		{"an anchor within itself", "nonMasqueradeCIDRs: &a [*a]", want},
		{"more than a number holds", doubled(70), want},
		{"a long text many times", "nonMasqueradeCIDRs: [&a \"" + strings.Repeat("x", 500_000) + "\"" + strings.Repeat(", *a", 100_000) + "]", want},
		{"aliases of aliases", "a: &a [x, x, x, x, x, x, x, x, x, x]" +
			"\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]" +
			"\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]" +
			"\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\ng: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]\n", want},
	})
}

// doubled returns a text whose aliases expand to 2^n words.
func doubled(n int) string {
	text := "k0: &k0 [x, x]\n"
	for i := range n {
		text += fmt.Sprintf("k%d: &k%[1]d [*k%[2]d, *k%[2]d]\n", i+1, i)
	}
	return text
}

// Templates often end with an empty document.
func TestParseTrailingDocument(t *testing.T) {
	want := config.Default(config.Options{})
	want.ResyncInterval = 5 * time.Second
	checkAccepted(t, "---\nresyncInterval: 5s\n---\n# end\n", config.Options{}, want, nil)
}
