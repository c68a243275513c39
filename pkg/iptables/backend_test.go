// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
)

func TestChoose(t *testing.T) {
	nft := func(hint string, holds bool) backendState {
		return backendState{backend: NFT, hint: hint, holdsChain: holds}
	}
	legacy := func(hint string, holds bool) backendState {
		return backendState{backend: Legacy, hint: hint, holdsChain: holds}
	}
	tests := []struct {
		name   string
		states []backendState
		plain  Backend
		want   Choice
	}{
		{"hint in nft", []backendState{nft("h", false), legacy("", true)}, Legacy, Choice{Backend: NFT, Why: "h"}},
		{"hint in legacy", []backendState{nft("", true), legacy("h", false)}, NFT, Choice{Backend: Legacy, Why: "h"}},
		{"hint in both", []backendState{nft("h", false), legacy("g", false)}, Legacy, Choice{Backend: NFT, Why: "h"}},
		{"chain in legacy", []backendState{nft("", false), legacy("", true)}, NFT, Choice{Backend: Legacy, Why: "its nat table already has our chain"}},
		{"chain in both", []backendState{nft("", true), legacy("", true)}, Legacy, Choice{Backend: Legacy, Why: "it is what plain iptables is"}},
		{"plain", []backendState{nft("", false), legacy("", false)}, Legacy, Choice{Backend: Legacy, Why: "it is what plain iptables is"}},
		{"no plain", []backendState{nft("", false), legacy("", false)}, "", Choice{Backend: NFT, Why: "nothing on the node tells, and it is the newer one"}},
		{"one alone", []backendState{legacy("", false)}, "", Choice{Backend: Legacy, Why: "only the commands of iptables-legacy are there"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, choose(tt.states, tt.plain)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestDetect has both backends side by side on one node.
func TestDetect(t *testing.T) {
	tests := []struct {
		name   string
		mark   string // restored into the backend and family of the matrix
		prefer string
		chosen string // nft or legacy, or "" for that of the mark
		why    string // with FAMILY for the family

		legacyWhy string // if that differs: in legacy every table counts
		leftover  bool   // the mark's backend is the leftover
	}{
		{name: "hint", mark: "*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n", prefer: "auto", why: "its FAMILY mangle table has KUBE-IPTABLES-HINT"},
		{name: "canary", mark: "*mangle\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n", prefer: "auto", why: "its FAMILY mangle table has KUBE-KUBELET-CANARY"},
		{name: "canary in nat alone", mark: "*nat\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n", prefer: "auto",
			why: "it is what plain iptables is", legacyWhy: "its FAMILY nat table has KUBE-KUBELET-CANARY"},
		{name: "chain", mark: "*nat\n:IP-MASQ - [0:0]\nCOMMIT\n", prefer: "auto", why: "its nat table already has our chain"},
		{name: "asked for nft", mark: "*nat\n:IP-MASQ - [0:0]\nCOMMIT\n", prefer: "iptables-nft", chosen: "iptables-nft", why: "asked for by --backend", leftover: true},
		{name: "asked for legacy", mark: "*nat\n:IP-MASQ - [0:0]\nCOMMIT\n", prefer: "iptables-legacy", chosen: "iptables-legacy", why: "asked for by --backend", leftover: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			netns.Matrix(t, func(t *testing.T, backend, family string) {
				own := script(t, "iptables", "exec iptables-nft \"$@\"") // what plain iptables is must not depend on the machine
				t.Setenv("PATH", filepath.Dir(own)+":/usr/sbin:/usr/bin:/sbin:/bin")
				netns.Restore(t, backend, family, tt.mark)
				before := netns.LegacyTables(t, family)
				why := tt.why
				if backend == "iptables-legacy" && tt.legacyWhy != "" {
					why = tt.legacyWhy
				}
				want := Choice{Backend: Backend(tt.chosen), Why: strings.Replace(why, "FAMILY", family, 1)}
				if tt.chosen == "" {
					want.Backend = Backend(backend)
				}
				if tt.leftover && tt.chosen != backend {
					want.Leftover = Backend(backend)
				}
				got, err := Detect(t.Context(), tt.prefer, "IP-MASQ")
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(before, netns.LegacyTables(t, family)); diff != "" {
					t.Errorf("looking created legacy tables (-before +after):\n%s", diff)
				}
			})
		})
	}
}

// TestDetectSaysWhatItCouldNotRead: the choice is made all the same.
func TestDetectSaysWhatItCouldNotRead(t *testing.T) {
	dir := filepath.Dir(script(t, "something-else", "exit 0"))
	for name, body := range map[string]string{
		"iptables-nft":         "case $* in --version) exit 0;; *nat*) exit 1;; esac; echo 'no permission' >&2; exit 4",
		"iptables-legacy":      "exit 0",
		"iptables-legacy-save": "exit 0",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Detect(t.Context(), "auto", "IP-MASQ")
	if err != nil || got.Backend != NFT || got.Unread == nil || !strings.Contains(got.Unread.Error(), "iptables-nft -t mangle -S KUBE-IPTABLES-HINT: exit status 4: no permission") {
		t.Errorf("Detect() = %+v, %v", got, err)
	}
}

func TestDetectWithoutIptables(t *testing.T) {
	script(t, "something-else", "exit 0")
	for _, prefer := range []string{"auto", "iptables-nft", "iptables-legacy"} {
		_, err := Detect(t.Context(), prefer, "IP-MASQ")
		if err == nil || !strings.Contains(err.Error(), "no usable iptables") {
			t.Errorf("%s: error is %v", prefer, err)
		}
	}
	script(t, "iptables-nft", "echo 'no such library' >&2; exit 127") // there, and no use
	_, err := Detect(t.Context(), "auto", "IP-MASQ")
	if err == nil || !strings.Contains(err.Error(), "iptables-nft --version: exit status 127: no such library") {
		t.Errorf("error is %v", err)
	}
}

// TestPlainIptables is a machine with iptables before 1.8, which has no
// commands that name their backend.
func TestPlainIptables(t *testing.T) {
	for version, want := range map[string]Backend{
		"iptables v1.6.1":             Legacy,
		"iptables v1.8.9 (legacy)":    Legacy,
		"iptables v1.8.9 (nf_tables)": NFT,
	} {
		script(t, "iptables", `[ "$1" = --version ] && echo '`+version+`'`)
		got, err := Detect(t.Context(), "auto", "IP-MASQ")
		if err != nil || got.Backend != want {
			t.Errorf("%s: chose %v, %v, want %s", version, got, err, want)
		}
	}
}
