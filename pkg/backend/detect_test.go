// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package backend

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// commands makes a directory of commands, by name and shell script, all of PATH.
// A script that is empty links to the real command.
func commands(t *testing.T, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range scripts {
		var err error
		path := filepath.Join(dir, name)
		if body == "" {
			var real string
			if real, err = exec.LookPath(name); err == nil {
				err = os.Symlink(real, path)
			}
		} else {
			err = os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return dir
}

func query(prefer Name) Query {
	return Query{Prefer: prefer, Chain: "IP-MASQ", Families: []netfilter.Family{netfilter.IPv4, netfilter.IPv6}}
}

// TestDetect has both backends of iptables on one node, on which plain iptables
// is iptables-nft.
func TestDetect(t *testing.T) {
	tests := []struct {
		name   string
		mark   string // restored into the backend and family of the matrix
		prefer Name
		want   Name   // the matrix' backend if it is empty
		reason string // with FAMILY for the family

		legacyReason string // if that differs: in iptables-legacy every table counts
		unmarked     bool
	}{
		{name: "hint", mark: "*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n", reason: "its FAMILY tables have the kubelet's chain KUBE-IPTABLES-HINT"},
		{name: "canary", mark: "*mangle\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n", reason: "its FAMILY tables have the kubelet's chain KUBE-KUBELET-CANARY"},
		{name: "chain", mark: "*nat\n:IP-MASQ - [0:0]\nCOMMIT\n", reason: "its nat table already has the agent's chain", unmarked: true},
		{name: "--backend=iptables-nft", mark: "*nat\n:IP-MASQ - [0:0]\nCOMMIT\n", prefer: IPTablesNFT, want: IPTablesNFT, reason: "--backend names it"},
		{name: "--backend=iptables-legacy", mark: "*nat\n:IP-MASQ - [0:0]\nCOMMIT\n", prefer: IPTablesLegacy, want: IPTablesLegacy, reason: "--backend names it"},
		{name: "--backend=nftables", mark: "*nat\n:IP-MASQ - [0:0]\nCOMMIT\n", prefer: NFTables, want: NFTables, reason: "--backend names it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			netns.Matrix(t, func(t *testing.T, backend, family string) {
				netns.Restore(t, backend, family, tt.mark)
				before := netns.LegacyTables(t, family)
				commands(t, map[string]string{"iptables-nft": "", "iptables-legacy": "", "iptables-legacy-save": "", "ip6tables-legacy": "", "ip6tables-legacy-save": "",
					"iptables": `[ "$1" = --version ] && echo 'iptables v1.8.9 (nf_tables)'`})
				q := query(Auto)
				if tt.prefer != "" {
					q.Prefer = tt.prefer
				}
				want := Choice{Backend: tt.want, Reason: strings.Replace(tt.reason, "FAMILY", family, 1), Marked: !tt.unmarked}
				if tt.want == "" {
					want.Backend = Name(backend)
				}
				got, err := Detect(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(before, netns.LegacyTables(t, family)); diff != "" {
					t.Errorf("the detection created legacy tables (-before +after):\n%s", diff)
				}
			})
		})
	}
}

// TestDetectByPlainIptables has nodes on which plain iptables decides.
func TestDetectByPlainIptables(t *testing.T) {
	version := func(v string) string { return `[ "$1" = --version ] && echo 'iptables ` + v + `'` }
	tests := []struct {
		name    string
		scripts map[string]string
		want    Choice
	}{
		{"both backends, plain is legacy", map[string]string{"iptables-nft": "exit 0", "iptables-legacy": "exit 0", "iptables": version("v1.8.9 (legacy)")},
			Choice{Backend: IPTablesLegacy, Reason: "plain iptables uses it"}},
		{"both backends, plain is nft", map[string]string{"iptables-nft": "exit 0", "iptables-legacy": "exit 0", "iptables": version("v1.8.9 (nf_tables)")},
			Choice{Backend: IPTablesNFT, Reason: "plain iptables uses it"}},
		{"both backends, no plain", map[string]string{"iptables-nft": "exit 0", "iptables-legacy": "exit 0"},
			Choice{Backend: IPTablesNFT, Reason: "nothing shows which backend the node uses, and it is the newer one"}},
		{"legacy alone", map[string]string{"iptables-legacy": "exit 0"},
			Choice{Backend: IPTablesLegacy, Reason: "only the commands of iptables-legacy are there", Marked: true}},
		{"nft is broken", map[string]string{"iptables-nft": "echo 'no such library' >&2; exit 127", "iptables-legacy": "exit 0"},
			Choice{Backend: IPTablesLegacy, Reason: "only the commands of iptables-legacy are there", Marked: true}},
		{"before 1.8", map[string]string{"iptables": version("v1.6.1")},
			Choice{Backend: IPTablesLegacy, Reason: "only the commands of iptables-legacy are there", Marked: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			netns.Run(t, func(t *testing.T) {
				commands(t, tt.scripts)
				got, err := Detect(t.Context(), query(Auto))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestDetectWithoutIptables: nf_tables needs no command.
func TestDetectWithoutIptables(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		commands(t, nil)
		got, err := Detect(t.Context(), query(Auto))
		if err != nil || got.Backend != NFTables || !strings.HasPrefix(got.Reason, "there is no usable iptables: ") || !strings.Contains(got.Reason, "iptables-nft") || strings.Contains(got.Reason, "\n") {
			t.Errorf("Detect() = %+v, %v", got, err)
		}
		for _, prefer := range []Name{IPTablesNFT, IPTablesLegacy} {
			_, err := Detect(t.Context(), query(prefer))
			if !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), string(prefer)) || !strings.Contains(err.Error(), "install the package iptables") {
				t.Errorf("%s: error is %v", prefer, err)
			}
		}
	})
}

// TestNamedBackendNeedsNoOtherCommand: with --backend, Detect does not run the
// command of the other backend, which hangs.
func TestNamedBackendNeedsNoOtherCommand(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		dir := commands(t, map[string]string{"iptables-nft": "touch $0.asked; exec /bin/sleep 60", "iptables-legacy": "exit 0"})
		got, err := Detect(t.Context(), query(IPTablesLegacy))
		if err != nil || got.Backend != IPTablesLegacy {
			t.Errorf("Detect() = %+v, %v", got, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "iptables-nft.asked")); !errors.Is(err, os.ErrNotExist) {
			t.Error("iptables-nft was run")
		}
	})
}

// TestDetectHasOneDeadline: a command that hangs ends the detection when its
// context does, and so does a context that is done before the command starts. The
// error is not ErrNone.
func TestDetectHasOneDeadline(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		commands(t, map[string]string{"iptables-nft": "exec /bin/sleep 60", "iptables-legacy": "exec /bin/sleep 60"})
		late := errors.New("too late")
		for _, prefer := range []Name{Auto, IPTablesNFT} {
			for _, timeout := range []time.Duration{0, 300 * time.Millisecond} {
				ctx, cancel := context.WithTimeoutCause(t.Context(), timeout, late)
				_, err := Detect(ctx, query(prefer))
				cancel()
				if !errors.Is(err, late) || errors.Is(err, ErrNone) {
					t.Errorf("--backend=%s, %v: error is %v, want one with %q that is not ErrNone", prefer, timeout, err, late)
				}
			}
		}
	})
}

// TestDetectStartsNoProcess: the kernel, or the link of an installed iptables, is
// enough to choose the backend.
func TestDetectStartsNoProcess(t *testing.T) {
	tests := []struct {
		name, mark, plain string
		want              Choice
	}{
		{"a mark", "*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n", "xtables-nft-multi",
			Choice{Backend: IPTablesLegacy, Reason: "its IPv4 tables have the kubelet's chain KUBE-IPTABLES-HINT", Marked: true}},
		{"the agent's chain", "*nat\n:IP-MASQ - [0:0]\nCOMMIT\n", "xtables-nft-multi",
			Choice{Backend: IPTablesLegacy, Reason: "its nat table already has the agent's chain"}},
		{"plain iptables is nft", "", "xtables-nft-multi", Choice{Backend: IPTablesNFT, Reason: "plain iptables uses it"}},
		{"plain iptables is legacy", "", "xtables-legacy-multi", Choice{Backend: IPTablesLegacy, Reason: "plain iptables uses it"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			netns.Run(t, func(t *testing.T) {
				if tt.mark != "" {
					netns.Restore(t, "iptables-legacy", "IPv4", tt.mark)
				}
				dir := commands(t, map[string]string{"iptables-nft": "", "iptables-legacy": "", "xtables-nft-multi": "", "xtables-legacy-multi": ""})
				if err := os.Symlink(tt.plain, filepath.Join(dir, "iptables")); err != nil {
					t.Fatal(err)
				}
				before := ended(t)
				got, err := Detect(t.Context(), query(Auto))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if after := ended(t); after != before {
					t.Error("a process was started")
				}
			})
		})
	}
}

// ended is the CPU time and the page faults of the children that have ended.
func ended(t *testing.T) syscall.Rusage {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		t.Fatal(err)
	}
	return u
}
