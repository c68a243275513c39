// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import "ip-masq-agent/test/rules"

// The rules of a chain IP-MASQ and the jump to it, as iptables -S prints them.
const (
	last = `-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully`
	jump = rules.Jump
)

// chain returns a complete chain that does not masquerade cidrs.
func chain(cidrs ...string) []string {
	rules := []string{"-N IP-MASQ"}
	for _, c := range cidrs {
		rules = append(rules, returnRule(c))
	}
	return append(rules, last)
}

// returnRule returns the rule for a CIDR that is not masqueraded.
func returnRule(cidr string) string {
	return `-A IP-MASQ -d ` + cidr + ` -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`
}

// defaultChain returns the chain of the default configuration.
func (n *node) defaultChain() []string {
	if n.family == "IPv6" {
		return chain("fe80::/10")
	}
	return chain("169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
}

// Two configurations with a short resync interval, and their chains.

func (n *node) oneRange() string {
	return n.byFamily("nonMasqueradeCIDRs: [10.0.0.0/8]\nresyncInterval: 100ms\n",
		"nonMasqueradeCIDRs: ['fd00::/8']\nresyncInterval: 100ms\n")
}

func (n *node) oneRangeChain() []string {
	if n.family == "IPv6" {
		return chain("fe80::/10", "fd00::/8")
	}
	return chain("169.254.0.0/16", "10.0.0.0/8")
}

func (n *node) threeRanges() string {
	return n.byFamily("nonMasqueradeCIDRs: [172.20.0.0/16, 10.0.0.0/8, 192.0.2.7/32]\nresyncInterval: 100ms\n",
		"nonMasqueradeCIDRs: ['2001:db8:20::/48', 'fd00::/8', '2001:db8::7/128']\nresyncInterval: 100ms\n")
}

func (n *node) threeRangesChain() []string {
	if n.family == "IPv6" {
		return chain("fe80::/10", "2001:db8:20::/48", "fd00::/8", "2001:db8::7/128")
	}
	return chain("169.254.0.0/16", "172.20.0.0/16", "10.0.0.0/8", "192.0.2.7/32")
}
