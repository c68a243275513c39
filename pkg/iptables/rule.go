// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// Rule is a rule of the nat table with only those matches and targets that the agent
// uses. RuleOf converts a rule of the kernel, unless it has others.
type Rule struct {
	Comment     string              // -m comment --comment, at most 255 bytes
	NotLocal    bool                // -m addrtype ! --dst-type LOCAL
	Source      netip.Prefix        // -s; the zero Prefix is any source
	Destination netip.Prefix        // -d; the zero Prefix is any destination
	Protocol    string              // -p tcp, udp or sctp; empty is any
	Probability float64             // -m statistic --mode random, 0 to 1; 0 is no such match
	Target      string              // -j
	RandomFully bool                // --random-fully, iptables 1.6.2 and later
	ToPorts     netfilter.PortRange // --to-ports; the zero PortRange is none
}

// String returns the rule as iptables-restore takes it after "-A CHAIN ". The order
// of the arguments is that of ip-masq-agent 2.12, because operators grep for it.
func (r Rule) String() string {
	var b strings.Builder
	b.WriteString("-m comment --comment " + quote(r.Comment))
	if r.NotLocal {
		b.WriteString(" -m addrtype ! --dst-type LOCAL")
	}
	if r.Source.IsValid() {
		fmt.Fprintf(&b, " -s %s", r.Source)
	}
	if r.Destination.IsValid() {
		fmt.Fprintf(&b, " -d %s", r.Destination)
	}
	fmt.Fprintf(&b, " -j %s", r.Target)
	if r.RandomFully {
		b.WriteString(" --random-fully")
	}
	if r.Protocol != "" {
		fmt.Fprintf(&b, " -p %s", r.Protocol)
	}
	if r.Probability != 0 {
		// 'f' with -1 is the fewest digits that round-trip, never an exponent.
		fmt.Fprintf(&b, " -m statistic --mode random --probability %s", strconv.FormatFloat(r.Probability, 'f', -1, 64))
	}
	if r.ToPorts != (netfilter.PortRange{}) {
		fmt.Fprintf(&b, " --to-ports %s", r.ToPorts)
	}
	return b.String()
}

// Matches reports whether the addresses of a packet match the rule. Protocol,
// ports and probability are not considered: the rules of one chain that differ
// only in them have the same target.
func (r Rule) Matches(source, destination netip.Addr) bool {
	return (!r.Source.IsValid() || r.Source.Contains(source)) &&
		(!r.Destination.IsValid() || r.Destination.Contains(destination))
}

// action returns the action of the rule on packets that match.
func (r Rule) action() netfilter.Action {
	switch r.Target {
	case Return:
		return netfilter.Return
	case Masquerade:
		return netfilter.Masquerade
	}
	return netfilter.Jump
}
