// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Parts of manifests. The misspelled key shows which values are checked.
const (
	typo     = "masqLinkLocl: true"
	noConfig = `problem f: is a manifest without a ConfigMap of the agent, with the key "config" or "ip-masq-agent": put the configuration below data, as "config: |"`
	agree    = ": write the same namespace, name and path in both"
	didYou   = " problem f:%: masqLinkLocl: is an unknown key: did you mean masqLinkLocal?"
)

// object is a ConfigMap on one line.
func object(namespaced, data string) string {
	namespace, name, _ := strings.Cut(namespaced, "/")
	return "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: " + namespace + ", name: " + name + "}, " + data + "}\n---\n"
}

// daemonSet is a DaemonSet of the agent on one line, which mounts a volume at
// /etc/config.
func daemonSet(namespace, args, volume string) string {
	return "{apiVersion: apps/v1, kind: DaemonSet, metadata: {namespace: " + namespace + ", name: ds}, spec: {template: {spec: {containers: [" +
		"{name: other, args: [--enable-ipv6=x]}, {name: masq, image: example.org/ip-masq-agent:v1, args: [" + args + "], volumeMounts: [{name: v, mountPath: /etc/config}]}], " +
		"volumes: [{name: w, configMap: {name: w}}, {name: v, " + volume + "}]}}}}\n---\n"
}

func TestManifestKeys(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte("# one\n" + typo + "\n"))
	items := "configMap: {name: a, items: [{key: x, path: x}, {key: settings, path: ip-masq-agent}]}"
	tests := []struct {
		name, text string
		want       []string
	}{
		{"the key config", object("n/a", "data: {config: '"+typo+"'}"), []string{"n/a" + didYou}},
		{"the key ip-masq-agent", object("n/a", "data: {ip-masq-agent: '"+typo+"'}"), []string{"n/a" + didYou}},
		{"another key", object("n/a", "data: {settings: '"+typo+"'}"), []string{noConfig}},
		{"binaryData", object("n/a", "binaryData: {config: "+encoded+"}"), []string{"n/a" + didYou}},
		{"an alias", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, x: &x '" + typo + "', data: {config: *x}}", []string{"default/a" + didYou}},
		{"a merge", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, x: &x {config: '" + typo + "'}, data: {<<: *x}}", []string{"default/a" + didYou}},
		{"a merge of itself", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: &x {<<: *x}}", []string{noConfig}},

		{"another program's", object("n/a", "data: {config: 'logLevel: 4'}") + object("n/b", "data: {config: '"+typo+"'}"), []string{"n/b" + strings.Replace(didYou, "%", "3", 1)}},
		{"another program's alone", object("n/a", "data: {config: 'logLevel: 4'}"), []string{noConfig}},
		{"another program's text", object("n/a", "data: {config: '[a'}"), []string{noConfig}},
		{"ours does not parse", object("n/a", "data: {config: 'nonMasqueradeCIDRs: [a'}"), []string{"n/a problem f:1: does not parse (did not find expected ',' or ']'): check indentation (spaces, no tabs), colons and quotes around this line"}},
		{"by its name", object("n/my-ip-masq-config", "data: {config: 'logLevel: 4'}"), []string{"n/my-ip-masq-config problem f:1: logLevel: is an unknown key: remove it; the keys are nonMasqueradeCIDRs, masqueradeCIDRs, sourceCIDRs, cidrLimit, masqLinkLocal, masqLinkLocalIPv6, resyncInterval"}},

		{"the key that is mounted", object("n/a", "data: {config: 'x', settings: '"+typo+"'}") + object("n/b", "data: {config: '"+typo+"'}") + daemonSet("n", "", items), []string{"n/a" + didYou}},
		{"as a whole", object("n/a", "data: {config: 'x', ip-masq-agent: '"+typo+"'}") + daemonSet("n", "", "configMap: {name: a}"), []string{"n/a" + didYou}},
		{"as a whole, another file", object("n/a", "data: {f.yaml: '"+typo+"'}") + daemonSet("n", "--config, /etc/config/f.yaml", "configMap: {name: a}"), []string{"n/a" + didYou}},
		{"projected", object("n/a", "data: {settings: '"+typo+"'}") + daemonSet("n", "-config=/etc/config/f", "projected: {sources: [{secret: {}}, {configMap: {name: a, items: [{key: settings, path: f}]}}]}"), []string{"n/a" + didYou}},
		{"it is not there", object("n/a", "data: {config: 'x'}") + daemonSet("n", "", items), []string{`n/a problem f:1: has no key "settings": write the configuration there: DaemonSet n/ds mounts it`}},
		{"it is no base64", object("n/a", "binaryData: {settings: '!'}") + daemonSet("n", "", items), []string{`n/a problem f:1: has no valid base64 in binaryData, key "settings": illegal base64 data at input byte 0: write the configuration there: DaemonSet n/ds mounts it`}},
		{"of another namespace", object("n/a", "data: {config: '"+typo+"', settings: x}") + daemonSet("m", "", items), []string{"n/a" + didYou,
			"n/a warning f:3: has DaemonSet m/ds, which does not read ConfigMap n/a: it mounts m/a at /etc/config/ip-masq-agent" + agree}},
		{"of another path", object("n/a", "data: {config: '"+typo+"'}") + daemonSet("n", "", "configMap: {name: a, items: [{key: config, path: config}]}"), []string{"n/a" + didYou,
			"n/a warning f:3: has DaemonSet n/ds, which does not read ConfigMap n/a: it mounts no ConfigMap at /etc/config/ip-masq-agent" + agree}},
		{"not a text", object("n/a", "data: {settings: {masqLinkLocal: true}}") + daemonSet("n", "", items), []string{
			`n/a problem f:1: has no text in key "settings", which needs a | after the colon: write the configuration there: DaemonSet n/ds mounts it`}},
		{"the last of two", object("n/a", "data: {config: 'masqLinkLocal: true', config: '"+typo+"'}"), []string{"n/a" + didYou}},
		{"JSON with escaped slashes", `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"config": "nonMasqueradeCIDRs: [10.0.0.0\/8]\n` + typo + `"}}`, []string{"default/a" + didYou}},
		{"a broken document behind it", object("n/a", "data: {config: '"+typo+"'}") + "a: [\n", []string{
			"problem f:3: does not parse (did not find expected node content): check indentation (spaces, no tabs), colons and quotes around this line"}},
		{"too large", object("n/ip-masq", "data: {config: '"+strings.Repeat("# ", 1<<19)+"#'}"), []string{"n/ip-masq problem f:1: is larger than 1 MiB, the maximum size of a ConfigMap: shorten it"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := slices.Clone(tt.want)
			for i := range want {
				want[i] = strings.Replace(want[i], "%", "1", 1)
			}
			if diff := cmp.Diff(want, found(t, tt.text, Options{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestManifestFlags checks that the arguments of the container are used.
func TestManifestFlags(t *testing.T) {
	var got []string
	o := Options{WithFlags: func(o Options, args []string) (Options, error) {
		got = args
		o.Config.IPv6 = true
		if len(args) > 1 {
			return o, errors.New("no such flag")
		}
		return o, nil
	}}
	config := object("n/a", "data: {config: \"nonMasqueradeCIDRs: [10.0.0.0/8, 'fd00::/8']\"}")
	mount := "configMap: {name: a, items: [{key: config, path: ip-masq-agent}]}"
	r := checkData("f", []byte(config+daemonSet("n", "--enable-ipv6", mount)), o)
	if len(r) != 1 || len(r[0].Chains) != 2 || r[0].Agent != "DaemonSet n/ds" || !slices.Equal(got, []string{"--enable-ipv6"}) {
		t.Errorf("arguments %q, %+v", got, r)
	}
	want := []string{"n/a problem f:3: has invalid arguments of DaemonSet n/ds (no such flag): correct them"}
	if diff := cmp.Diff(want, found(t, config+daemonSet("n", "--a, --b", mount), o)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, isManifest := configurations([]byte(daemonSet("n", "cleanup", mount))); !isManifest {
		t.Error("this is a manifest")
	}
	for args, want := range map[string]string{"": defaultConfig, "--config=/a": "/a", "-config, /b": "/b", "config, /c": defaultConfig, "--config": defaultConfig} {
		if got := configFlag(strings.Split(args, ", ")); got != want {
			t.Errorf("--config of %q is %s, want %s", args, got, want)
		}
	}
}

// TestBelow compares paths by their elements: /etc/conf does not contain
// /etc/config/ip-masq-agent.
func TestBelow(t *testing.T) {
	const file = "/etc/config/ip-masq-agent"
	tests := []struct {
		directory, relative string
		ok                  bool
	}{
		{"/etc/config", "/ip-masq-agent", true},
		{"/etc/config/", "/ip-masq-agent", true},
		{"/etc", "/config/ip-masq-agent", true},
		{"/", "/etc/config/ip-masq-agent", true},
		{file, "", true},
		{"/etc/conf", "", false},
		{"/etc/config/ip", "", false},
		{"/etc/config/ip-masq-agent/more", "", false},
	}
	for _, tt := range tests {
		relative, ok := below(tt.directory, file)
		if ok != tt.ok || ok && relative != tt.relative {
			t.Errorf("below(%s, %s) = %q, %v; want %q, %v", tt.directory, file, relative, ok, tt.relative, tt.ok)
		}
	}
}

// TestManifestMountsOfSimilarNames has a volume at /etc/conf beside the agent's.
func TestManifestMountsOfSimilarNames(t *testing.T) {
	const typos = "data: {ip-masq-agent: '" + typo + "', ig/ip-masq-agent: '" + typo + "'}"
	ds := strings.Replace(daemonSet("n", "", "configMap: {name: a}"), "mountPath: /etc/config}", "mountPath: /etc/config}, {name: w, mountPath: /etc/conf}", 1)
	want := []string{"n/a" + strings.Replace(didYou, "%", "1", 1)}
	if diff := cmp.Diff(want, found(t, object("n/a", typos)+object("n/w", typos)+ds, Options{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWriteEscapes checks that the text of a manifest can neither control the
// terminal nor forge a line.
func TestWriteEscapes(t *testing.T) {
	const bad = `"a\e[31m\nf: valid\u202e"`
	text := object(bad+"/"+bad, "data: {config: '"+typo+"'}") + object("n/x", "data: {ip-masq-agent: \"'\\e[1m': 1\nmasqLinkLocal: true\"}")
	var b bytes.Buffer
	if err := Write(&b, checkData("f\x1b[2J", []byte(text), Options{})); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.String() {
		if r != '\n' && (r < ' ' || r == 0x202e || r == 0x7f) {
			t.Fatalf("the output has %q:\n%q", r, b.String())
		}
	}
	if !strings.Contains(b.String(), `a\x1b[31m\nf: valid\u202e`) || strings.Contains(b.String(), "\nf: valid") {
		t.Errorf("the output is\n%s", b.String())
	}
}
