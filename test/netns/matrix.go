// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netns

import (
	"slices"
	"strings"
	"testing"
)

// NFTables is the backend that writes an nftables table of its own, without
// iptables.
const NFTables = "nftables"

// IPTablesBackends returns the two backends that use iptables.
func IPTablesBackends() []string { return []string{"iptables-nft", "iptables-legacy"} }

// Backends returns all backends of the agent.
func Backends() []string { return append(IPTablesBackends(), NFTables) }

// Matrix runs test with [Run] for both iptables backends and both IP families.
func Matrix(t *testing.T, test func(t *testing.T, backend, family string)) {
	t.Helper()
	MatrixOf(t, IPTablesBackends(), test)
}

// FullMatrix runs test with [Run] for all backends and both IP families.
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

// Tools returns the commands with which a test reads and changes the rules of a
// backend. For nftables this includes the commands of iptables-nft, for rules
// of other programs.
func Tools(backend, family string) []string {
	if backend == NFTables {
		return []string{"nft", Command("iptables-nft", family)}
	}
	return []string{Command(backend, family)}
}

// OtherBackends returns all backends except one.
func OtherBackends(backend string) []string {
	return slices.DeleteFunc(Backends(), func(b string) bool { return b == backend })
}

// Command returns the name of an iptables command: Command("iptables-nft",
// "IPv6", "restore") is "ip6tables-nft-restore", and Command("iptables-nft",
// "IPv6") is "ip6tables-nft".
func Command(backend, family string, suffix ...string) string {
	if family == "IPv6" {
		backend = strings.Replace(backend, "iptables", "ip6tables", 1)
	}
	return strings.Join(append([]string{backend}, suffix...), "-")
}
