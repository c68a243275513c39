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

// The parts of manifests. A slip in a value shows that it was checked.
const (
	slip     = "masqLinkLocl: true"
	noConfig = `problem f: is a manifest without a ConfigMap of the agent, with the key "config" or "ip-masq-agent": put the configuration below data, as "config: |"`
	didYou   = " problem f:%: masqLinkLocl: is an unknown key: did you mean masqLinkLocal?"
)

// object is a ConfigMap on one line.
func object(namespaced, data string) string {
	namespace, name, _ := strings.Cut(namespaced, "/")
	return "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: " + namespace + ", name: " + name + "}, " + data + "}\n---\n"
}

// daemonSet is one of the agent that mounts as given, on one line.
func daemonSet(namespace, args, volume string) string {
	return "{apiVersion: apps/v1, kind: DaemonSet, metadata: {namespace: " + namespace + ", name: ds}, spec: {template: {spec: {containers: [" +
		"{name: other, args: [--enable-ipv6=x]}, {name: masq, image: example.org/ip-masq-agent:v1, args: [" + args + "], volumeMounts: [{name: v, mountPath: /etc/config}]}], " +
		"volumes: [{name: w, configMap: {name: w}}, {name: v, " + volume + "}]}}}}\n---\n"
}

func TestManifestKeys(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte("# one\n" + slip + "\n"))
	items := "configMap: {name: a, items: [{key: x, path: x}, {key: settings, path: ip-masq-agent}]}"
	tests := []struct {
		name, text string
		want       []string
	}{
		{"the key config", object("n/a", "data: {config: '"+slip+"'}"), []string{"n/a" + didYou}},
		{"the key ip-masq-agent", object("n/a", "data: {ip-masq-agent: '"+slip+"'}"), []string{"n/a" + didYou}},
		{"another key", object("n/a", "data: {settings: '"+slip+"'}"), []string{noConfig}},
		{"binaryData", object("n/a", "binaryData: {config: "+encoded+"}"), []string{"n/a" + didYou}},
		{"an alias", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, x: &x '" + slip + "', data: {config: *x}}", []string{"default/a" + didYou}},
		{"a merge", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, x: &x {config: '" + slip + "'}, data: {<<: *x}}", []string{"default/a" + didYou}},
		{"a merge of itself", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: &x {<<: *x}}", []string{noConfig}},

		{"another program's", object("n/a", "data: {config: 'logLevel: 4'}") + object("n/b", "data: {config: '"+slip+"'}"), []string{"n/b" + strings.Replace(didYou, "%", "3", 1)}},
		{"another program's alone", object("n/a", "data: {config: 'logLevel: 4'}"), []string{noConfig}},
		{"another program's text", object("n/a", "data: {config: '[a'}"), []string{noConfig}},
		{"ours does not parse", object("n/a", "data: {config: 'nonMasqueradeCIDRs: [a'}"), []string{"n/a problem f:1: does not parse (did not find expected ',' or ']'): check indentation (spaces, no tabs), colons and quotes around this line"}},
		{"by its name", object("n/my-ip-masq-config", "data: {config: 'logLevel: 4'}"), []string{"n/my-ip-masq-config problem f:1: logLevel: is an unknown key: remove it; the keys are nonMasqueradeCIDRs, masqueradeCIDRs, sourceCIDRs, cidrLimit, masqLinkLocal, masqLinkLocalIPv6, resyncInterval"}},

		{"the key that is mounted", object("n/a", "data: {config: 'x', settings: '"+slip+"'}") + object("n/b", "data: {config: '"+slip+"'}") + daemonSet("n", "", items), []string{"n/a" + didYou}},
		{"as a whole", object("n/a", "data: {config: 'x', ip-masq-agent: '"+slip+"'}") + daemonSet("n", "", "configMap: {name: a}"), []string{"n/a" + didYou}},
		{"as a whole, another file", object("n/a", "data: {f.yaml: '"+slip+"'}") + daemonSet("n", "--config, /etc/config/f.yaml", "configMap: {name: a}"), []string{"n/a" + didYou}},
		{"projected", object("n/a", "data: {settings: '"+slip+"'}") + daemonSet("n", "-config=/etc/config/f", "projected: {sources: [{secret: {}}, {configMap: {name: a, items: [{key: settings, path: f}]}}]}"), []string{"n/a" + didYou}},
		{"it is not there", object("n/a", "data: {config: 'x'}") + daemonSet("n", "", items), []string{`n/a problem f:1: has no key "settings": write the configuration there: DaemonSet n/ds mounts it`}},
		{"it is no base64", object("n/a", "binaryData: {settings: '!'}") + daemonSet("n", "", items), []string{`n/a problem f:1: has no base64 below binaryData, key "settings": illegal base64 data at input byte 0: write the configuration there: DaemonSet n/ds mounts it`}},
		{"of another namespace", object("n/a", "data: {config: '"+slip+"', settings: x}") + daemonSet("m", "", items), []string{"n/a" + didYou}},
		{"too large", object("n/ip-masq", "data: {config: '"+strings.Repeat("# ", 1<<19)+"#'}"), []string{"n/ip-masq problem f:1: is larger than 1 MiB, the maximum size of a ConfigMap: shorten it"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := slices.Clone(tt.want)
			for i := range want {
				want[i] = strings.Replace(want[i], "%", "1", 1)
			}
			if diff := cmp.Diff(want, said(t, tt.text, Options{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestManifestFlags hands on the arguments of the agent's container.
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
	r := File("f", []byte(config+daemonSet("n", "--enable-ipv6", mount)), o)
	if len(r) != 1 || len(r[0].Chains) != 2 || r[0].Agent != "DaemonSet n/ds" || !slices.Equal(got, []string{"--enable-ipv6"}) {
		t.Errorf("arguments %q, %+v", got, r)
	}
	want := []string{"n/a problem f:3: has arguments of DaemonSet n/ds that the agent refuses (no such flag): correct them"}
	if diff := cmp.Diff(want, said(t, config+daemonSet("n", "--a, --b", mount), o)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, isManifest := configurations([]byte(daemonSet("n", "cleanup", mount))); !isManifest {
		t.Error("this is a manifest")
	}
	for args, want := range map[string]string{"": defaultFile, "--config=/a": "/a", "-config, /b": "/b", "config, /c": defaultFile, "--config": defaultFile} {
		if got := fileArg(strings.Split(args, ", ")); got != want {
			t.Errorf("--config of %q is %s, want %s", args, got, want)
		}
	}
}

// TestWriteEscapes: nothing of a manifest reaches the terminal as a command, or
// forges a line.
func TestWriteEscapes(t *testing.T) {
	const bad = `"a\e[31m\nf: good\u202e"`
	text := object(bad+"/"+bad, "data: {config: '"+slip+"'}") + object("n/x", "data: {ip-masq-agent: \"'\\e[1m': 1\nmasqLinkLocal: true\"}")
	var b bytes.Buffer
	if err := Write(&b, File("f\x1b[2J", []byte(text), Options{})); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.String() {
		if r != '\n' && (r < ' ' || r == 0x202e || r == 0x7f) {
			t.Fatalf("the output has %q:\n%q", r, b.String())
		}
	}
	if !strings.Contains(b.String(), `a\x1b[31m\nf: good\u202e`) || strings.Contains(b.String(), "\nf: good") {
		t.Errorf("the output is\n%s", b.String())
	}
}
