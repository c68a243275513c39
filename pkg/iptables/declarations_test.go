// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import "testing"

func TestDeclarations(t *testing.T) {
	const saved = "# Generated\n*filter\n:INPUT ACCEPT [0:0]\n:KUBE-KUBELET-CANARY - [0:0]\n-A INPUT -m comment --comment \":FAKE - \" -j ACCEPT\nCOMMIT\n" +
		"*nat\n:IP-MASQ - [0:0]\n:KUBE-KUBELET-CANARY - [0:0]\n-A IP-MASQ -j RETURN\nCOMMIT\n\n*raw\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n"
	for size := 1; size <= len(saved); size++ { // in whatever pieces it comes
		var d declarations
		for rest := []byte(saved); len(rest) > 0; {
			n := min(size, len(rest))
			if written, err := d.Write(rest[:n]); written != n || err != nil {
				t.Fatalf("Write() = %d, %v", written, err)
			}
			rest = rest[n:]
		}
		for _, tt := range []struct{ table, chain, want string }{
			{"nat", "IP-MASQ", "nat"},
			{"nat", "KUBE-KUBELET-CANARY", "nat"},
			{"filter", "KUBE-KUBELET-CANARY", "filter"},
			{"mangle", "KUBE-KUBELET-CANARY", "raw"},
			{"nat", "FAKE", ""},
			{"nat", "INPUT", "filter"},
		} {
			if got := d.where(tt.table, tt.chain); got != tt.want {
				t.Errorf("in pieces of %d: where(%q, %q) = %q, want %q", size, tt.table, tt.chain, got, tt.want)
			}
		}
	}
}
