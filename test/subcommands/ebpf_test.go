// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// TestEBPFMayDecideFirst has an eBPF program at tc egress of the outgoing
// device, and a device with the name of Cilium's. explain must say that rules
// alone may not decide.
func TestEBPFMayDecideFirst(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		netns.Require(t, "tc")
		node := netns.Here(t)
		node.IP(t, "link add eth0 type veth peer name far0")
		node.IP(t, "link set eth0 up")
		node.Address(t, "eth0", "192.0.2.1/24")
		node.Route(t, "default", "192.0.2.2")
		explain := func() string { return subcommand(t, nil, "explain", "--live", "8.8.8.8").stdout }
		if got := explain(); strings.Contains(got, "may decide") {
			t.Errorf("explain mentions eBPF without eBPF: %s", got)
		}
		node.IP(t, "link add cilium_host type veth peer name cilium_net")
		node.Run(t, "tc", "qdisc", "add", "dev", "eth0", "clsact")
		node.Run(t, "tc", "filter", "add", "dev", "eth0", "egress", "bpf", "da", "bytecode", "1,6 0 0 4294967295,")
		got := explain() + subcommand(t, nil, "doctor").stdout
		for _, want := range []string{
			"  note     Cilium (device cilium_host) may decide before any rule does\n",
			"  note     an eBPF program at tc egress of eth0 may decide before any rule does\n",
			"info       ",
			"Cilium (device cilium_host)",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in:\n%s", want, got)
			}
		}
	})
}
