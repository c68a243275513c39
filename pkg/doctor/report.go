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

func (c *conflict) finding(n Node) Finding {
	f := Finding{Check: "foreign-rule", Family: c.family.String()}
	for _, p := range c.path() {
		f.Rules = append(f.Rules, p.String())
	}
	name, do := c.who(), c.does()
	if c.more > 0 {
		name, do = fmt.Sprintf("%s and %d more like it", name, c.more), c.do()
	}
	leave := c.leaves()
	if c.uncertain() {
		do, leave = "may "+c.do(), "may "+c.leave()
	}
	object := "what the chain keeps"
	if c.want == netfilter.Masqueraded {
		object = "what the chain would masquerade"
	}
	f.What = fmt.Sprintf("%s, %s, %s %s", name, c.position(n), do, object)
	switch {
	case c.fate == netfilter.Undetermined:
		f.Severity = Unchecked
		f.Consequence = "what becomes of such traffic cannot be told"
	case c.fate == c.want:
		f.Severity = Info
		f.Consequence = fmt.Sprintf("such traffic %s as that rule says; --to-ports and --random-fully do not apply to it", map[bool]string{false: "leaves", true: "may leave"}[c.uncertain()])
	default:
		f.Severity, f.Remedy = c.remedy()
		f.Consequence = fmt.Sprintf("traffic%s%s %s, though the file %s", c.from(), c.destinations(), leave, c.wanted())
	}
	return f
}

// wanted says what the file does with the traffic.
func (c *conflict) wanted() string {
	switch {
	case c.want == netfilter.Masqueraded:
		return "has it leave with the node's"
	case c.inside:
		return "keeps the pod's"
	}
	return "keeps its own"
}

// does and do say what the rule does.
func (c *conflict) does() string {
	return map[netfilter.Fate]string{
		netfilter.Kept:         "keeps from the chain",
		netfilter.Masqueraded:  "masquerades",
		netfilter.Translated:   "translates",
		netfilter.Dropped:      "drops",
		netfilter.Undetermined: "may decide about",
	}[c.fate]
}

func (c *conflict) do() string {
	return map[netfilter.Fate]string{
		netfilter.Kept:         "keep from the chain",
		netfilter.Masqueraded:  "masquerade",
		netfilter.Translated:   "translate",
		netfilter.Dropped:      "drop",
		netfilter.Undetermined: "decide about",
	}[c.fate]
}

// leaves and leave say what becomes of the traffic.
func (c *conflict) leaves() string {
	switch c.fate {
	case netfilter.Kept:
		return "keeps the pod's address"
	case netfilter.Translated:
		return fmt.Sprintf("leaves with the address %s", c.to)
	case netfilter.Dropped:
		return "is dropped"
	}
	return "leaves with the node's address"
}

func (c *conflict) leave() string {
	switch c.fate {
	case netfilter.Kept:
		return "keep the pod's address"
	case netfilter.Translated:
		return fmt.Sprintf("leave with the address %s", c.to)
	case netfilter.Dropped:
		return "be dropped"
	}
	return "leave with the node's address"
}

// uncertain reports whether the rule has conditions that nothing here can judge.
// What depends on the source or the device is certain for some traffic.
func (c *conflict) uncertain() bool {
	return slices.ContainsFunc(c.doubts, func(d netfilter.Doubt) bool {
		return !slices.Contains([]netfilter.Unknown{netfilter.OnSource, netfilter.OnInterface, netfilter.OnProtocol}, d.On)
	})
}

// position says where the rule is: before or after our jump, or elsewhere.
func (c *conflict) position(n Node) string {
	entry := c.entry()
	own := n.chain(n.Backend.Name, c.family, n.ChainName)
	if own == nil || own.Rules == nil || !n.holdsOurs(entry.Table) || backendOf(entry.Table) != n.Backend.Name {
		return "in " + entry.Table.String()
	}
	for i := range entry.Chain.Rules {
		r := &entry.Chain.Rules[i]
		switch {
		case r == entry.Rule:
			return "before our jump"
		case slices.Contains(r.Targets(), n.ChainName):
			return "after our jump"
		}
	}
	return "in " + entry.Table.String()
}

// backendOf returns the backend of iptables that a nat table belongs to.
func backendOf(t *netfilter.Table) string {
	if t.Owner == netfilter.OwnerLegacy {
		return legacyBackend
	}
	return nftBackend
}

// from names the sources: those that the rule asks for, or those that the file
// does not masquerade.
func (c *conflict) from() string {
	if c.more > 0 {
		return ""
	}
	for _, p := range c.path() {
		for _, step := range p.Steps() {
			if cond, ok := step.(netfilter.Condition); ok && !cond.Negated {
				if ranges := cond.Sources(c.family); len(ranges) == 1 {
					return " from " + ranges[0].String()
				}
			}
		}
	}
	if c.outside && !c.inside {
		return " from outside sourceCIDRs"
	}
	return ""
}

// destinations names the destinations: the file's ranges, or the rule's own, or one
// address.
func (c *conflict) destinations() string {
	switch {
	case len(c.ranges) > 0 && c.outside && c.from() == "":
		return fmt.Sprintf(" to %s, or from outside sourceCIDRs,", join(c.ranges))
	case len(c.ranges) > 0:
		return " to " + join(c.ranges)
	}
	for _, p := range c.path() {
		for _, step := range p.Steps() {
			if cond, ok := step.(netfilter.Condition); ok && !cond.Negated {
				if ranges := cond.Destinations(c.family); len(ranges) == 1 {
					return " to " + ranges[0].String()
				}
			}
		}
	}
	return fmt.Sprintf(", such as to %s,", c.sample)
}

func join(list []netip.Prefix) string {
	var words []string
	for _, p := range list {
		words = append(words, p.String())
	}
	return strings.Join(words, ", ")
}
