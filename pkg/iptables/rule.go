// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// The targets an IP-MASQ chain uses, see iptables-extensions(8).
const (
	Return     = "RETURN"
	Masquerade = "MASQUERADE"
)

// Rule is one rule of the nat table, in the terms this agent needs and no
// others. A rule of somebody else that says more than this cannot be parsed
// into a Rule, and so is never mistaken for one of ours.
type Rule struct {
	Comment     string       // -m comment --comment, at most 255 bytes
	NotLocal    bool         // -m addrtype ! --dst-type LOCAL
	Destination netip.Prefix // -d; the zero Prefix is any destination
	Protocol    string       // -p tcp, udp or sctp; empty is any
	Probability float64      // -m statistic --mode random, 0 to 1; 0 is no such match
	Target      string       // -j
	RandomFully bool         // --random-fully, iptables 1.6.2 and later
	ToPorts     PortRange    // --to-ports; the zero PortRange is none
}

// PortRange is a range of transport ports, both ends included.
type PortRange struct{ From, To uint16 }

// String returns the range as --to-ports takes it.
func (p PortRange) String() string { return fmt.Sprintf("%d-%d", p.From, p.To) }

// String returns the rule as iptables-restore takes it behind "-A CHAIN ".
// The order of the arguments is that of ip-masq-agent 2.12: operators grep for
// it in what the agent prints.
func (r Rule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "-m comment --comment %s", quote(r.Comment))
	if r.NotLocal {
		b.WriteString(" -m addrtype ! --dst-type LOCAL")
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
	if r.ToPorts != (PortRange{}) {
		fmt.Fprintf(&b, " --to-ports %s", r.ToPorts)
	}
	return b.String()
}

// Equal tells whether the kernel would hold the same rule for both.
func (r Rule) Equal(o Rule) bool { return r.canonical() == o.canonical() }

// Matches tells whether the rule's destination, the only thing in which the
// rules of one chain differ for a packet, takes in addr.
func (r Rule) Matches(addr netip.Addr) bool {
	return !r.Destination.IsValid() || r.Destination.Contains(addr)
}

// canonical returns the rule as the kernel keeps it: 0.0.0.0/0 is no match at
// all, and a probability is a fraction of 2^31 (xt_statistic.h).
func (r Rule) canonical() Rule {
	if r.Destination.IsValid() && r.Destination.Bits() == 0 {
		r.Destination = netip.Prefix{}
	}
	r.Destination = r.Destination.Masked()
	r.Probability = math.Round(r.Probability * (1 << 31))
	return r
}
