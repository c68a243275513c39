// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netns

import (
	"strings"
	"testing"
)

// Matrix runs test for both backends and both families, each as [Run] does.
func Matrix(t *testing.T, test func(t *testing.T, backend, family string)) {
	t.Helper()
	for _, backend := range []string{"iptables-nft", "iptables-legacy"} {
		for _, family := range []string{"IPv4", "IPv6"} {
			t.Run(backend+"/"+family, func(t *testing.T) {
				Require(t, Command(backend, family))
				Run(t, func(t *testing.T) { test(t, backend, family) })
			})
		}
	}
}

// Command names a command of iptables: Command("iptables-nft", "IPv6", "restore") is
// "ip6tables-nft-restore", and without a verb "ip6tables-nft".
func Command(backend, family string, verb ...string) string {
	if family == "IPv6" {
		backend = strings.Replace(backend, "iptables", "ip6tables", 1)
	}
	return strings.Join(append([]string{backend}, verb...), "-")
}
