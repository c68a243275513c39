// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package cleanup

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWrite(t *testing.T) {
	results := []Result{
		{Backend: "iptables-nft", Family: "IPv4", Found: true, Removed: true, Rules: []string{"a", "b"}, Jumps: []string{"-A POSTROUTING -j A"}},
		{Backend: "iptables-nft", Family: "IPv6"},
		{Backend: "iptables-legacy", Family: "IPv4", Found: true, Rules: []string{"a"}, Jumps: []string{"b"}, Command: "iptables-legacy-restore --noflush", Input: "*nat\n-X A\nCOMMIT\n"},
		{Backend: "iptables-legacy", Family: "IPv6", Error: "permission denied"},
		{Backend: "nftables", Family: "IPv4", Found: true, Removed: true},
		{Backend: "nftables", Family: "IPv6", Skipped: "the kernel does not support nf_tables"},
	}
	const want = `iptables-nft     IPv4  removed chain A (rules: 2) and the jumps to it: 1
        -A POSTROUTING -j A
iptables-nft     IPv6  no chain A
iptables-legacy  IPv4  would remove chain A (rules: 1) and the jumps to it: 1, as input to iptables-legacy-restore --noflush:
*nat
-X A
COMMIT
iptables-legacy  IPv6  failed: permission denied
nftables         IPv4  removed table ip-masq-agent
nftables         IPv6  skipped: the kernel does not support nf_tables
`
	var b strings.Builder
	if err := (Options{Chain: "A"}).Write(&b, results); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestComplete(t *testing.T) {
	tests := []struct {
		name   string
		dryRun bool
		result Result
		want   bool
	}{
		{"nothing found", false, Result{}, true},
		{"removed", false, Result{Found: true, Removed: true}, true},
		{"failed", false, Result{Error: "x"}, false},
		{"skipped", false, Result{Skipped: "x"}, true},
		{"dry run, nothing found", true, Result{}, true},
		{"dry run, found", true, Result{Found: true}, false},
	}
	for _, tt := range tests {
		if got := (Options{DryRun: tt.dryRun}).Complete([]Result{{}, tt.result}); got != tt.want {
			t.Errorf("%s: complete %v, want %v", tt.name, got, tt.want)
		}
	}
}
