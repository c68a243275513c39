// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package masq is the policy: which destinations keep the pod's address, and which
// sources are masqueraded.
//
// [Options] holds the flags, config.Config the file. [Options.Chain] renders both
// as an iptables chain, [Options.Table] as an nftables table. [Decide] finds the
// rule of a chain that decides about a connection. The package does no I/O.
package masq

import (
	"fmt"
	"net/netip"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
)

// The comments are an interface: operators grep for them, and an in-place upgrade
// finds them in the kernel. All except exceptionComment are literally those of
// ip-masq-agent 2.12.
const (
	localComment     = "ip-masq-agent: local traffic is not subject to MASQUERADE"
	exceptionComment = "ip-masq-agent: this range is subject to MASQUERADE"
	lastComment      = "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)"
	// jumpComment is a format with the name of the chain.
	jumpComment = "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom %s chain"
)

// Options are the flags that affect the rules.
type Options struct {
	ChainName   string
	RandomFully bool                  // --random-fully
	ToPorts     []netfilter.PortRange // --to-ports; none leaves the ports to the kernel
}

// Chain returns the iptables chain of a configuration for one family.
func (o Options) Chain(f netfilter.Family, c config.Config) iptables.Chain {
	rules := []iptables.Rule{} // not nil: an empty chain is a chain too
	from := matchedSources(f, c)
	for _, v := range verdicts(f, c) {
		if v.masquerade {
			rules = append(rules, o.masquerade(exceptionComment, from, v.destination)...)
		} else {
			rules = append(rules, iptables.Rule{Comment: localComment, Destination: v.destination, Target: iptables.Return})
		}
	}
	return iptables.Chain{
		Name:  o.ChainName,
		Rules: append(rules, o.masquerade(lastComment, from, netip.Prefix{})...),
		Jump:  iptables.Rule{Comment: fmt.Sprintf(jumpComment, o.ChainName), NotLocal: true, Target: o.ChainName},
	}
}

// masquerade returns the rules that masquerade a destination range, the zero
// Prefix for any destination, once for each of the source ranges. The rules of one
// source are together: with --to-ports each range of ports is drawn with its share
// of the ports, and the statistic match of a rule sees what the rules before it
// left. The rule without ports is for the other protocols, which have none.
func (o Options) masquerade(comment string, sources []netip.Prefix, destination netip.Prefix) []iptables.Rule {
	var rules []iptables.Rule
	for _, source := range sources {
		plain := iptables.Rule{Comment: comment, Source: source, Destination: destination, Target: iptables.Masquerade, RandomFully: o.RandomFully}
		for _, protocol := range []string{"tcp", "udp", "sctp"} {
			left := netfilter.Ports(o.ToPorts...)
			for i, r := range o.ToPorts {
				rule := plain
				rule.Protocol, rule.ToPorts = protocol, r
				if i < len(o.ToPorts)-1 {
					rule.Probability = float64(netfilter.Ports(r)) / float64(left)
				}
				left -= netfilter.Ports(r)
				rules = append(rules, rule)
			}
		}
		rules = append(rules, plain)
	}
	return rules
}

// Decide returns the rule that decides about a new connection, and false if it
// reaches the end of the chain, which keeps its address. The zero Addr as the
// source matches no rule that asks for a source. Rules that differ in protocol or
// ports alone have the same target.
func Decide(rules []iptables.Rule, source, destination netip.Addr) (iptables.Rule, bool) {
	for _, r := range rules {
		if r.Matches(source, destination) {
			return r, true
		}
	}
	return iptables.Rule{}, false
}

// MasqueradesFrom reports whether rules masquerade any traffic from a source.
func MasqueradesFrom(rules []iptables.Rule, source netip.Addr) bool {
	for _, r := range rules {
		if r.Target == iptables.Masquerade && (!r.Source.IsValid() || r.Source.Contains(source)) {
			return true
		}
	}
	return false
}
