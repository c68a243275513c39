// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package verbs_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"ip-masq-agent/test/program"
)

// TestOffline has what needs no node: each case is a golden file. Files stand
// in testdata; the destinations of explain are no address of this machine.
func TestOffline(t *testing.T) {
	const page = "nonMasqueradeCIDRs:\n  - 198.15.5.92/24\n  - 10.0.0.0/8\nmasqLinkLocal: false\nresyncInterval: 60s\n"
	tests := []struct {
		name, stdin string
		args        string
	}{
		{"check-good", "", "check testdata/good.yaml"},
		{"check-page", page, "check -"},
		{"check-page-json", page, "check -o json -"},
		{"check-page-strict", page, "check --strict -"},
		{"check-daemonset", "", "check testdata/daemonset.yaml"},
		{"check-daemonset-flags", "", "check --masq-chain=X testdata/daemonset.yaml"},
		{"check-single-dash", "", "check -strict -masq-chain=X testdata/good.yaml"},
		{"check-typos", "", "check testdata/typos.yaml"},
		{"check-manifest", "", "check testdata/manifest.yaml testdata/good.yaml"},
		{"check-manifest-json", "", "check -o json testdata/manifest.yaml"},
		{"check-cidrs", "", "check --pod-cidr=10.4.0.0/14,100.64.0.0/10 --node-cidr=10.128.0.0/20 testdata/good.yaml"},
		{"check-ipv6-ports", "", "check --enable-ipv6 --to-ports=1024-29999,32768-65535 --masq-chain=X testdata/ipv6.yaml"},
		{"check-nftables", "", "check --backend=nftables --enable-ipv6 --to-ports=1024-29999,32768-65535 testdata/ipv6.yaml"},
		{"check-missing", "", "check testdata/none.yaml"},
		{"check-nothing", "", "check"},
		{"check-bad-flag", "", "check --pod-cidr=10.4 testdata/good.yaml"},
		{"check-bad-chain", "", "check --masq-chain=POSTROUTING testdata/good.yaml"},
		{"explain", "", "explain --config=testdata/good.yaml 8.8.8.8 10.9.1.1 10.8.1.1 169.254.169.254 2001:db8::1"},
		{"explain-json", "", "explain --config=testdata/good.yaml -o json --source=10.4.0.9 10.9.1.1"},
		{"explain-defaults", "", "explain --config=testdata/none.yaml --nomasq-all-reserved-ranges 203.0.113.9"},
		{"explain-local", "", "explain --config=testdata/good.yaml 127.0.0.1"},
		{"explain-refused", "", "explain --config=testdata/typos.yaml 8.8.8.8"},
		{"explain-no-address", "", "explain --config=testdata/good.yaml example.org"},
		{"explain-two-families", "", "explain --config=testdata/good.yaml --source=fd00::1 8.8.8.8"},
		{"bad-output", "", "doctor -o xml"},
		{"bad-operand", "", "cleanup IP-MASQ"},
		{"bad-backend", "", "cleanup --backend=ebtables"},
		{"no-verb", "", "chekc testdata/good.yaml"},
		{"help-check", "", "check --help"},
		{"help-explain", "", "explain --help"},
		{"help-doctor", "", "doctor --help"},
		{"help-cleanup", "", "cleanup --help"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := verb(t, tt.stdin, nil, strings.Fields(tt.args)...)
			if strings.Contains(tt.args, "json") && !json.Valid([]byte(r.stdout)) {
				t.Errorf("this is no JSON:\n%s", r.stdout)
			}
			golden(t, tt.name, transcript(r, "ip-masq-agent "+tt.args), true)
		})
	}
}

// TestCheckReadsPipes: "check <(kubectl get …)" gives a path that is a pipe.
func TestCheckReadsPipes(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString("resyscInterval: 60s\n"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	defer r.Close()
	cmd := program.Command(nil, "check", "/dev/fd/3")
	cmd.ExtraFiles = []*os.File{r}
	out, err := cmd.Output()
	if want := "/dev/fd/3:1: resyscInterval: is an unknown key: did you mean resyncInterval?\n"; err == nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("check of a pipe: %v, %s, want %s", err, out, want)
	}
}

// TestPlainFlagsRunTheAgent: what the manifest does goes on to work.
func TestPlainFlagsRunTheAgent(t *testing.T) {
	r := verb(t, "", nil, "--masq-chain=IP-MASQ", "--version")
	if r.status != 0 || !strings.HasPrefix(r.stdout, "ip-masq-agent ") {
		t.Errorf("%+v", r)
	}
	r = verb(t, "", nil, "--help")
	for _, want := range []string{"ip-masq-agent check FILE...", "ip-masq-agent explain DESTINATION...", "ip-masq-agent doctor", "ip-masq-agent cleanup", "--masq-chain"} {
		if !strings.Contains(r.stdout, want) || r.status != 0 {
			t.Errorf("--help lacks %q, status %d", want, r.status)
		}
	}
}
