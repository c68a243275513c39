// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain

import (
	"fmt"
	"slices"

	"ip-masq-agent/pkg/netfilter"
)

// asksForOtherSource reports whether a rule has a condition on the source that is
// decided by ranges that do not contain it.
func (k kernel) asksForOtherSource(r *netfilter.Rule) bool {
	for _, step := range r.Steps {
		c, ok := step.(netfilter.Condition)
		if !ok || !k.question.Source.IsValid() {
			continue
		}
		ranges := c.Sources(k.family)
		inside := slices.ContainsFunc(ranges, func(r netfilter.AddressRange) bool { return r.Contains(k.question.Source) })
		// An empty set says not what it is compared with.
		if len(ranges) > 0 && !inside {
			return true
		}
	}
	return false
}

// otherSource explains that the chain masquerades other sources.
func (k kernel) otherSource(a *Answer) {
	a.Why, a.notPod = fmt.Sprintf("no source CIDR of the chain contains %s", k.question.Source), true
}

// masqueradesOthers reports whether each rule of our chain that masquerades asks
// for another source.
func (k kernel) masqueradesOthers() bool {
	others := false
	for _, t := range k.rules.Tables {
		if !k.holds(t) || t.Chains[k.chain] == nil {
			continue
		}
		for _, r := range t.Chains[k.chain].Rules {
			if !slices.ContainsFunc(r.Steps, isMasquerade) {
				continue
			}
			if !k.asksForOtherSource(&r) {
				return false
			}
			others = true
		}
	}
	return others
}

func isMasquerade(s netfilter.Step) bool {
	v, ok := s.(netfilter.Verdict)
	return ok && v.Action == netfilter.Masquerade
}
