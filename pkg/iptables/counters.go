// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import "ip-masq-agent/pkg/netfilter"

// counters turns the counters of the chain in the kernel into totals that never
// decrease.
type counters struct {
	rules netfilter.Meter
	end   netfilter.EndMeter
}

// read records the present counters and returns the totals. A packet that reaches
// the end of the chain keeps its address.
func (c *counters) read(f netfilter.Family, have state, want Chain) netfilter.Traffic {
	c.rules.Read(traffic(f, have.rules()))
	if want.hasOpenEnd() {
		c.end.Read(counted(rulesTo(have.postrouting, want.Name)), counted(have.rules()))
	} else {
		c.end.Stop()
	}
	return c.total()
}

// rewritten records that the chain was written, so that its counters restarted.
func (c *counters) rewritten() {
	c.rules.Rewritten()
	c.end.Rewritten()
}

// total returns the totals as of the last read.
func (c *counters) total() netfilter.Traffic {
	t := c.rules.Total()
	t.Add(netfilter.Return, c.end.Total())
	return t
}

// hasOpenEnd reports whether packets can reach the end of the chain: with
// sourceCIDRs its last rule does not match all of them.
func (c Chain) hasOpenEnd() bool {
	if len(c.Rules) == 0 {
		return true
	}
	last := c.Rules[len(c.Rules)-1].canonical()
	return last.Source.IsValid() || last.Destination.IsValid() || last.Protocol != "" || last.Probability != 0
}

// traffic returns the counters of the rules of the agent's chain, by action.
func traffic(f netfilter.Family, rules []netfilter.Rule) netfilter.Traffic {
	var t netfilter.Traffic
	for _, r := range rules {
		if rule, ok := RuleOf(f, r); ok {
			t.Add(rule.action(), r.Count)
		}
	}
	return t
}

// counted returns the sum of the counters of rules.
func counted(rules []netfilter.Rule) netfilter.Count {
	var n netfilter.Count
	for _, r := range rules {
		n.Packets += r.Count.Packets
		n.Bytes += r.Count.Bytes
	}
	return n
}
