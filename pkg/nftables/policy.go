// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"sort"

	"ip-masq-agent/pkg/netfilter"
)

// SpecOf returns what the agent's table of a family does, as it was read from the
// kernel. It returns only what decides whether a connection is masqueraded, so
// RandomFully and ToPorts are not set. It returns false if the base chain has a rule
// that the agent does not write, or lacks one.
func SpecOf(f netfilter.Family, t *netfilter.Table) (Spec, bool) {
	base := t.Chains[postroutingChain]
	if base == nil || base.Err != nil {
		return Spec{}, false
	}
	s, ranges := Spec{Family: f}, false
	for i, r := range base.Rules {
		if len(r.Steps) == 0 || len(r.Steps) > 2 {
			return Spec{}, false
		}
		last := r.Steps[len(r.Steps)-1]
		if len(r.Steps) == 2 {
			condition, ok := r.Steps[0].(netfilter.Condition)
			switch {
			case !ok || ranges:
				return Spec{}, false
			case isNodeRule(condition, last):
			case s.OnlySources || last != goTo(keepChain) || !condition.Negated || !condition.Understood() || !condition.TestsSource(f):
				return Spec{}, false
			default:
				s.OnlySources, s.Sources = true, condition.Sources(f)
			}
			continue
		}
		if m, ok := last.(netfilter.VerdictMap); ok && !ranges {
			if s.Destinations, ranges = intervalsOf(f, m); !ranges {
				return Spec{}, false
			}
			continue
		}
		return s, ranges && i == len(base.Rules)-1 && last == goTo(masqueradeChain)
	}
	return Spec{}, false
}

// isNodeRule reports whether a rule accepts packets to addresses of the node.
func isNodeRule(c netfilter.Condition, last netfilter.Step) bool {
	accept := netfilter.Verdict{Action: netfilter.Accept}
	return last == accept && !c.Negated && len(c.Key) == 1 && c.Key[0].Field == netfilter.DestinationType
}

func goTo(chain string) netfilter.Verdict {
	return netfilter.Verdict{Action: netfilter.Goto, Chain: chain}
}

// intervalsOf returns the ranges of the map of destinations, in ascending order. It
// returns false if an element is not one that the agent writes.
func intervalsOf(f netfilter.Family, m netfilter.VerdictMap) ([]Interval, bool) {
	ranges := m.Destinations(f)
	if len(ranges) != len(m.Elements) || m.Default != nil || m.Uncertain {
		return nil, false
	}
	var out []Interval
	for i, e := range m.Elements {
		if e.Verdict != goTo(keepChain) && e.Verdict != goTo(masqueradeChain) {
			return nil, false
		}
		out = append(out, Interval{From: ranges[i].From, To: ranges[i].To, Masquerade: e.Verdict.Chain == masqueradeChain})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].From.Less(out[j].From) })
	return out, true
}
