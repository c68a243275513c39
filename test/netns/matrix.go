// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netns

import (
	"slices"
	"strings"
	"testing"
)

// NFTables is the backend that keeps its rules in a table of its own, without
// iptables.
const NFTables = "nftables"

// IPTablesBackends returns the two backends of iptables.
func IPTablesBackends() []string { return []string{"iptables-nft", "iptables-legacy"} }

// Backends returns all backends of the agent.
func Backends() []string { return append(IPTablesBackends(), NFTables) }

// Matrix runs test for both backends of iptables and both families, each as
// [Run] does.
func Matrix(t *testing.T, test func(t *testing.T, backend, family string)) {
	t.Helper()
	MatrixOf(t, IPTablesBackends(), test)
}

// FullMatrix runs test for all backends and both families, each as [Run] does.
func FullMatrix(t *testing.T, test func(t *testing.T, backend, family string)) {
	t.Helper()
	MatrixOf(t, Backends(), test)
}

// MatrixOf is [Matrix] for the given backends.
func MatrixOf(t *testing.T, backends []string, test func(t *testing.T, backend, family string)) {
	t.Helper()
	for _, backend := range backends {
		for _, family := range []string{"IPv4", "IPv6"} {
			t.Run(backend+"/"+family, func(t *testing.T) {
				Require(t, Tools(backend, family)...)
				Run(t, func(t *testing.T) { test(t, backend, family) })
			})
		}
	}
}

// Tools returns the commands with which a test looks at a backend and changes
// it. On nftables these are also iptables-nft's, for the rules of others.
func Tools(backend, family string) []string {
	if backend == NFTables {
		return []string{"nft", Command("iptables-nft", family)}
	}
	return []string{Command(backend, family)}
}

// OtherBackends returns all backends but one.
func OtherBackends(backend string) []string {
	return slices.DeleteFunc(Backends(), func(b string) bool { return b == backend })
}

// Command names a command of iptables: Command("iptables-nft", "IPv6", "restore") is
// "ip6tables-nft-restore", and without a verb "ip6tables-nft".
func Command(backend, family string, verb ...string) string {
	if family == "IPv6" {
		backend = strings.Replace(backend, "iptables", "ip6tables", 1)
	}
	return strings.Join(append([]string{backend}, verb...), "-")
}
