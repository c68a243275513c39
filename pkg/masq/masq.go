// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package masq answers: which chain is it that a configuration asks for?
//
// Options has what the flags say, config.Config what the file says; Chain makes
// the rules of both, for either family by the same path, and Decide finds the
// one that a destination meets. Nothing here touches the host.
package masq

import (
	"fmt"
	"net/netip"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
)

// The comments are an interface: operators grep for them, and an upgrade in
// place meets them in the kernel. All but the exception's are ip-masq-agent
// 2.12's, letter by letter.
const (
	localComment     = "ip-masq-agent: local traffic is not subject to MASQUERADE"
	exceptionComment = "ip-masq-agent: this range is subject to MASQUERADE"
	lastComment      = "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)"
	// jumpComment has a place for the chain's name.
	jumpComment = "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom %s chain"
)

// Options is what the command line says about the chain.
type Options struct {
	ChainName   string
	RandomFully bool                 // --random-fully
	ToPorts     []iptables.PortRange // --to-ports; none leaves the ports to the kernel
}

// Chain returns the chain that a configuration asks for in one family.
func (o Options) Chain(f netfilter.Family, c config.Config) iptables.Chain {
	var rules []iptables.Rule
	for _, v := range verdicts(f, c) {
		if v.masquerade {
			rules = append(rules, o.masquerade(exceptionComment, v.destination)...)
		} else {
			rules = append(rules, iptables.Rule{Comment: localComment, Destination: v.destination, Target: iptables.Return})
		}
	}
	return iptables.Chain{
		Name:  o.ChainName,
		Rules: append(rules, o.masquerade(lastComment, netip.Prefix{})...),
		Jump:  iptables.Rule{Comment: fmt.Sprintf(jumpComment, o.ChainName), NotLocal: true, Target: o.ChainName},
	}
}

// masquerade returns the rules that masquerade a range, the zero Prefix for any
// destination. With --to-ports each range of ports is drawn with its share of
// the ports: the statistic match of a rule sees what the rules before it left.
// The rule without ports takes the other protocols, which have none.
func (o Options) masquerade(comment string, destination netip.Prefix) []iptables.Rule {
	plain := iptables.Rule{Comment: comment, Destination: destination, Target: iptables.Masquerade, RandomFully: o.RandomFully}
	var rules []iptables.Rule
	for _, protocol := range []string{"tcp", "udp", "sctp"} {
		left := ports(o.ToPorts...)
		for i, r := range o.ToPorts {
			rule := plain
			rule.Protocol, rule.ToPorts = protocol, r
			if i < len(o.ToPorts)-1 {
				rule.Probability = float64(ports(r)) / float64(left)
			}
			left -= ports(r)
			rules = append(rules, rule)
		}
	}
	return append(rules, plain)
}

// Decide returns the rule that a new connection to dst meets in a chain's
// rules, false if it passes them all. Rules that differ in protocol or ports
// alone have the same verdict.
func Decide(rules []iptables.Rule, dst netip.Addr) (iptables.Rule, bool) {
	for _, r := range rules {
		if r.Matches(dst) {
			return r, true
		}
	}
	return iptables.Rule{}, false
}
