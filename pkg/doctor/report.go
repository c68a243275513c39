// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

func (c *conflict) finding(n *Node) Finding {
	f := Finding{Check: "foreign-rule", Family: c.family.String()}
	for _, p := range c.path() {
		f.Rules = append(f.Rules, p.String())
	}
	e := c.effect()
	name, does, becomes := c.who(), e.does, e.becomes
	if c.more > 0 {
		name, does = fmt.Sprintf("%s and %d more like it", name, c.more), e.do
	}
	if c.uncertain() {
		does, becomes = "may "+e.do, "may "+e.become
	}
	object, byFile := "does not masquerade", "keeps its source address"
	switch {
	case c.want == netfilter.Masqueraded:
		object, byFile = "masquerades", "is masqueraded"
	case c.inside:
		byFile = "keeps the pod's address"
	}
	f.What = fmt.Sprintf("%s, %s, %s traffic that the file %s", name, c.position(n), does, object)
	switch c.fate {
	case netfilter.Undetermined:
		f.Severity = Unchecked
		f.Consequence = "what happens to such traffic cannot be told"
	case c.want:
		f.Severity = Info
		f.Consequence = fmt.Sprintf("such traffic %s by that rule, without the agent's --to-ports and --random-fully", becomes)
	default:
		f.Severity, f.Remedy = c.remedy()
		// Other conditions of the rule, or rules before it, may exclude the rest.
		f.Consequence = fmt.Sprintf("some traffic%s%s %s; by the file it %s", c.from(), c.destinations(), becomes, byFile)
	}
	return f
}

// effect describes what a rule does, and what happens to the traffic: in the third
// person, and as the infinitive for several rules and after "may".
type effect struct{ does, do, becomes, become string }

func (c *conflict) effect() effect {
	switch c.fate {
	case netfilter.Kept:
		return effect{"exempts", "exempt", "keeps the pod's address", "keep the pod's address"}
	case netfilter.Masqueraded:
		return effect{"masquerades", "masquerade", "is masqueraded", "be masqueraded"}
	case netfilter.Translated:
		to := "with the address " + c.to.String()
		if !c.to.From.IsValid() {
			to = "with " + c.to.String()
		}
		return effect{"translates", "translate", "leaves " + to, "leave " + to}
	case netfilter.Dropped:
		return effect{"drops", "drop", "is dropped", "be dropped"}
	}
	return effect{does: "may decide about", do: "decide about"}
}

// uncertain reports whether the rule has conditions that doctor cannot evaluate. A
// condition on the source, the device or the protocol holds for some traffic.
func (c *conflict) uncertain() bool {
	return slices.ContainsFunc(c.doubts, func(d netfilter.Doubt) bool {
		return !slices.Contains([]netfilter.Unknown{netfilter.OnSource, netfilter.OnInterface, netfilter.OnProtocol}, d.On)
	})
}

// position returns where the rule is: before or after the agent's jump rule, or in
// which table.
func (c *conflict) position(n *Node) string {
	entry := c.entry()
	have := n.chain(c.family)
	if have == nil || have.Rules == nil || !n.Rules.Reaches(entry.Table) || backendOf(entry.Table) != n.Backend.Name {
		return "in " + entry.Table.String()
	}
	for i := range entry.Chain.Rules {
		r := &entry.Chain.Rules[i]
		switch {
		case r == entry.Rule:
			return "before the agent's jump rule"
		case slices.Contains(r.Targets(), n.ChainName):
			return "after the agent's jump rule"
		}
	}
	return "in " + entry.Table.String()
}

// from describes the sources: the range of a condition of the rule, or those that
// the file does not masquerade.
func (c *conflict) from() string {
	switch r, found := c.onlyRange(netfilter.Condition.Sources); {
	case c.more > 0:
		return ""
	case found:
		return " from " + r.String()
	case c.outside && !c.inside:
		return " from outside sourceCIDRs"
	}
	return ""
}

// destinations describes the destinations: ranges of the file, the range of a
// condition of the rule if one of them contains it, or one address.
func (c *conflict) destinations() string {
	r, found := c.onlyRange(netfilter.Condition.Destinations)
	for _, p := range c.ranges {
		if found && p.Contains(r.From) && p.Contains(r.To) {
			return " to " + r.String()
		}
	}
	switch {
	case len(c.ranges) > 0 && c.outside && c.from() == "":
		return fmt.Sprintf(" to %s, or from outside sourceCIDRs,", join(c.ranges))
	case len(c.ranges) > 0:
		return " to " + join(c.ranges)
	case found:
		return " to " + r.String()
	}
	return fmt.Sprintf(", for example to %s,", c.sample)
}

// onlyRange returns the range of the first condition that is for one range of
// addresses.
func (c *conflict) onlyRange(ranges func(netfilter.Condition, netfilter.Family) []netfilter.AddressRange) (netfilter.AddressRange, bool) {
	for _, p := range c.path() {
		for _, condition := range p.Conditions() {
			if r := ranges(condition, c.family); len(r) == 1 && !condition.Negated {
				return r[0], true
			}
		}
	}
	return netfilter.AddressRange{}, false
}

func join(list []netip.Prefix) string {
	var texts []string
	for _, p := range list {
		texts = append(texts, p.String())
	}
	return strings.Join(texts, ", ")
}
