// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package versions_test

import (
	"strings"

	"ip-masq-agent/test/rules"
)

// config and ports configure the agent so that it writes every kind of rule.
const config = `nonMasqueradeCIDRs: [10.0.0.0/8, 172.16.0.0/12, 192.0.2.7/32, 'fd00::/8', '2001:db8::/33']
masqueradeCIDRs: [10.9.0.0/17, 'fd00:9::/32']
sourceCIDRs: [10.64.0.0/10, 'fd00:64::/32']
resyncInterval: 1s
`

const ports = "--to-ports=1024-29999,32768-65535"

const jump = rules.Jump

// chain returns the agent's chain as iptables -S prints it.
func chain(family string) []string {
	source := map[string]string{"IPv4": "-s 10.64.0.0/10 ", "IPv6": "-s fd00:64::/32 "}[family]
	const (
		local  = ` -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`
		exempt = `"ip-masq-agent: this range is subject to MASQUERADE"`
		last   = `"ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)"`
	)
	keep := func(cidr string) []string { return []string{"-A IP-MASQ -d " + cidr + local} }
	masquerade := func(match, comment string) (rules []string) {
		for _, protocol := range []string{"tcp", "udp", "sctp"} {
			p := "-A IP-MASQ " + source + match + "-p " + protocol + " -m comment --comment " + comment
			rules = append(rules,
				p+" -m statistic --mode random --probability 0.46929256292 -j MASQUERADE --to-ports 1024-29999 --random-fully",
				p+" -j MASQUERADE --to-ports 32768-65535 --random-fully")
		}
		return append(rules, "-A IP-MASQ "+source+match+"-m comment --comment "+comment+" -j MASQUERADE --random-fully")
	}
	rules := [][]string{{"-N IP-MASQ"}}
	if family == "IPv6" {
		rules = append(rules, keep("fe80::/10"), keep("2001:db8::/33"),
			masquerade("-d fd00:9::/32 ", exempt), keep("fd00::/8"), masquerade("", last))
	} else {
		rules = append(rules, keep("169.254.0.0/16"), keep("192.0.2.7/32"),
			masquerade("-d 10.9.0.0/17 ", exempt), keep("172.16.0.0/12"), keep("10.0.0.0/8"), masquerade("", last))
	}
	var all []string
	for _, r := range rules {
		all = append(all, r...)
	}
	return all
}

// restorable returns the chain and the jump as input of iptables-restore.
func restorable(family string) string {
	return "*nat\n:IP-MASQ - [0:0]\n" + strings.Join(chain(family)[1:], "\n") + "\n" + jump + "\nCOMMIT\n"
}
