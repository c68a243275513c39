// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"path/filepath"
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// start runs the agent on the node for both families until the test ends. It
// returns when the rules are in force.
func start(t testing.TB, backend, config string, args ...string) *program.Process {
	t.Helper()
	all := []string{"--config=" + config, "--enable-ipv6", "--backend=" + backend, "--http-bind-address="}
	p := program.Start(t, program.Command(nil, append(all, args...)...))
	for _, family := range []string{"IPv4", "IPv6"} {
		p.WaitLog("Synced rules", `family="`+family+`"`)
		program.Eventually(t, func() string {
			if len(netns.List(t, backend, family, "IP-MASQ")) < 2 {
				return "there is no chain of the agent for " + family
			}
			return ""
		})
	}
	return p
}

// byFamily returns the value for the family.
func byFamily(family, ipv4, ipv6 string) string {
	if family == "IPv6" {
		return ipv6
	}
	return ipv4
}

// goodFile returns the path of a valid configuration file for both families.
func goodFile(t testing.TB) string {
	t.Helper()
	path, err := filepath.Abs("testdata/ipv6.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return path
}
