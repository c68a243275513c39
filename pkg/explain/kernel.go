// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain

import (
	"fmt"
	"slices"

	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/predict"
	"ip-masq-agent/pkg/printable"
)

// ByKernel answers a question by the rules in the kernel, of all programs.
func ByKernel(q Question, rules predict.Rules) Answer {
	a := newAnswer(q, "kernel")
	if a.Local {
		a.Verdict, a.Why = netfilter.Kept, whyLocal
		return a
	}
	k := kernel{question: q, rules: rules, decision: rules.Decide(q.Packet())}
	a.Verdict = k.decision.Fate()
	switch {
	case a.Verdict == netfilter.Undetermined:
		a.Why = k.whyUnknown()
		for _, o := range k.decision.Outcomes {
			a.Possible = append(a.Possible, k.possible(o))
		}
	case k.decision.By.Table != nil:
		k.decides(&a)
	default:
		a.Why = k.whyNoRule()
		if k.masqueradesOthers() {
			k.otherSource(&a)
		}
	}
	return a
}

// kernel is one question and what the rules do.
type kernel struct {
	question Question
	rules    predict.Rules
	decision predict.Decision
}

// decides explains the rule that decides.
func (k kernel) decides(a *Answer) {
	by := k.decision.By
	a.Rule, a.Place = ruleText(by), placeText(by)
	if a.Verdict == netfilter.Translated {
		a.To = k.decision.To.String()
	}
	switch {
	case k.rules.Manages(by):
	case a.Verdict == netfilter.Kept:
		a.Why = fmt.Sprintf("a rule that is not the agent's accepts the packet, or returns, before the packet reaches chain %s", k.rules.Chain)
		return
	default:
		a.Why = "a rule that is not the agent's decides"
		return
	}
	a.Why = noCIDR
	if a.Verdict == netfilter.Kept {
		a.Why = endsEarly
	}
	for _, p := range append(slices.Clip(k.decision.Via), by) {
		if p.Rule == nil || !k.rules.Manages(p) {
			continue
		}
		for _, r := range p.Rule.Destinations(k.question.Family()) {
			if r.Contains(k.question.Destination) {
				a.Why = contains(r)
			}
		}
		switch {
		case a.Verdict != netfilter.Kept:
		case k.asksForOtherSource(p.Rule):
			k.otherSource(a)
		case k.hasNoSources(p.Rule):
			k.noSource(a)
		}
	}
}

// whyNoRule explains why no rule translates the source address.
func (k kernel) whyNoRule() string {
	f, reached := k.question.Family(), false
	for _, t := range k.rules.Tables {
		reached = reached || t.HasFamily(f) && k.rules.Reaches(t)
	}
	switch {
	case reached:
		return fmt.Sprintf("no rule of chain %s matches", k.rules.Chain)
	case k.rules.NoHook(f) != nil:
		return fmt.Sprintf("packets do not pass chain %s, because it is not of type nat at the hook postrouting", predict.Postrouting)
	}
	for _, t := range k.rules.Tables {
		for _, c := range t.Chains {
			if !t.HasFamily(f) || !k.rules.Manages(netfilter.Place{Table: t, Chain: c}) {
				continue
			}
			if t.Dormant {
				return fmt.Sprintf("%s is dormant, so none of its rules is in force", t)
			}
			return fmt.Sprintf("no rule of %s jumps to chain %s", predict.Postrouting, k.rules.Chain)
		}
	}
	return fmt.Sprintf("neither chain %s nor table %s exists", k.rules.Chain, masq.OwnTable)
}

// endsEarly is why a connection is kept if the rule that decides has no range.
const endsEarly = "the rule accepts the packet, or returns, before a rule of the agent masquerades it"

// asksForOtherSource reports whether a rule has a condition that compares the
// source with ranges that do not contain it.
func (k kernel) asksForOtherSource(r *netfilter.Rule) bool {
	source := k.question.Source
	return source.IsValid() && slices.ContainsFunc(r.Conditions(), func(c netfilter.Condition) bool {
		ranges := c.Sources(k.question.Family()) // none also for an empty set
		return len(ranges) > 0 && !slices.ContainsFunc(ranges, func(r netfilter.AddressRange) bool { return r.Contains(source) })
	})
}

// otherSource explains that the agent's rules masquerade other sources.
func (k kernel) otherSource(a *Answer) {
	a.Why, a.notPod = fmt.Sprintf("no source CIDR of the agent's rules contains %s", k.question.Source), true
}

// hasNoSources reports whether a rule matches each source that is not in a set, and
// the set is empty.
func (k kernel) hasNoSources(r *netfilter.Rule) bool {
	return slices.ContainsFunc(r.Conditions(), func(c netfilter.Condition) bool {
		return c.Negated && len(c.Elements) == 0 && c.TestsSource(k.question.Family())
	})
}

// noSource explains that the agent's rules masquerade no source at all.
func (k kernel) noSource(a *Answer) {
	a.Why, a.notPod = fmt.Sprintf("the agent's rules have no %s source CIDR, so nothing is masqueraded", k.question.Family()), true
}

// masqueradesOthers reports whether the agent's chain has rules that masquerade,
// and all of them ask for other sources.
func (k kernel) masqueradesOthers() bool {
	others := false
	for _, t := range k.rules.Tables {
		if !t.HasFamily(k.question.Family()) || !k.rules.Reaches(t) || t.Chains[k.rules.Chain] == nil {
			continue
		}
		for _, r := range t.Chains[k.rules.Chain].Rules {
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

// ruleText returns a rule as iptables or nft prints it, or a description if there is
// no rule.
func ruleText(p netfilter.Place) string { return printable.Line(p.String()) }

// placeText names a rule's table and chain.
func placeText(p netfilter.Place) string {
	if p.Table == nil {
		return ""
	}
	text := p.Table.String()
	if p.Chain != nil {
		text += ", chain " + p.Chain.Name
	}
	return printable.Line(text)
}
