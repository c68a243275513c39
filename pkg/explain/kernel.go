// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain

import (
	"fmt"
	"slices"
	"strings"

	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/printable"
)

// ByKernel asks what the kernel holds, rules of others included. chain is the
// name of the agent's own.
func ByKernel(q Question, chain string, rules netfilter.Ruleset) Answer {
	a := newAnswer(q, "kernel")
	if a.Local {
		a.Verdict, a.Why = netfilter.Kept, whyLocal(chain)
		return a
	}
	k := kernel{question: q, chain: chain, family: netfilter.FamilyOf(q.Destination), rules: rules, result: rules.Walk(q.Packet())}
	a.Verdict = k.result.Fate()
	switch a.Verdict {
	case netfilter.Undetermined:
		a.Why = k.whyUnknown()
		for _, o := range k.result.Outcomes {
			a.Possible = append(a.Possible, k.possible(o))
		}
	case netfilter.Kept:
		k.kept(&a)
	default:
		o := k.surest()
		a.To = target(o)
		k.decides(&a, o.By, o.Via)
	}
	return a
}

// kernel is one question and what the rules say to it.
type kernel struct {
	question Question
	chain    string
	family   netfilter.Family
	rules    netfilter.Ruleset
	result   netfilter.Result
}

// surest returns, of outcomes that agree, the last one whose rule surely matches,
// or else the last: it matches what the rules before it leave. Of base chains
// with equal priority the last need not be the one that matches.
func (k kernel) surest() netfilter.Outcome {
	out := k.result.Outcomes[len(k.result.Outcomes)-1]
	for _, o := range k.result.Outcomes {
		if len(o.Doubts) == 0 {
			out = o
		}
	}
	return out
}

// decides names the rule that decides.
func (k kernel) decides(a *Answer, by netfilter.Place, via []netfilter.Place) {
	a.Rule, a.Place = ruleText(by), placeText(by)
	if !masq.Owns(by, k.chain) {
		a.Why = fmt.Sprintf("a rule outside chain %s decides", k.chain)
		return
	}
	a.Why = noRange
	for _, p := range append(slices.Clip(via), by) {
		if p.Rule == nil || !masq.Owns(p, k.chain) {
			continue
		}
		for _, r := range p.Rule.Destinations(k.family) {
			if r.Contains(k.question.Destination) {
				a.Why = contains(r)
			}
		}
		if a.Verdict == netfilter.Kept && k.asksForOtherSource(p.Rule) {
			k.otherSource(a)
		}
	}
}

// kept explains why no rule translates the source. The rule of our chain that
// returns is the reason if one surely does; else a rule before our jump that
// ends the base chain.
func (k kernel) kept(a *Answer) {
	for _, own := range []bool{true, false} {
		for _, e := range k.result.Exits {
			if !e.Certain || masq.Owns(e.Place, k.chain) != own || !own && !(e.Ends && k.holds(e.Table)) {
				continue
			}
			k.decides(a, e.Place, e.Via)
			if !own {
				a.Why = fmt.Sprintf("a rule outside chain %s accepts or returns the packet before the chain is reached", k.chain)
			}
			return
		}
	}
	a.Why = fmt.Sprintf("no rule of chain %s matches", k.chain)
	if k.masqueradesOthers() {
		k.otherSource(a)
	}
	if !slices.ContainsFunc(k.rules.Tables, k.holds) {
		a.Why = fmt.Sprintf("no rule of POSTROUTING jumps to chain %s", k.chain)
	}
}

// holds reports whether packets of the family can reach our chain in a table.
func (k kernel) holds(t *netfilter.Table) bool {
	if !t.HasFamily(k.family) || t.Dormant {
		return false
	}
	for _, c := range t.Chains {
		if !masq.Owns(netfilter.Place{Table: t, Chain: c}, k.chain) {
			continue
		}
		if c.Base || len(t.Callers(c.Name)) > 0 {
			return true
		}
	}
	return false
}

// whyUnknown names what the answer depends on.
func (k kernel) whyUnknown() string {
	var on []string
	add := func(s string) {
		if !slices.Contains(on, s) {
			on = append(on, s)
		}
	}
	for _, o := range k.result.Outcomes {
		for _, d := range o.Doubts {
			add(k.dependence(d.On))
		}
		if o.Fate == netfilter.Undetermined {
			add(k.undetermined(o.By))
		}
	}
	for _, e := range k.result.Exits {
		if matters(e) {
			for _, d := range e.Doubts {
				add(k.dependence(d.On))
			}
		}
	}
	if len(on) == 0 {
		return "more than one rule may decide"
	}
	return "it depends on " + strings.Join(on, ", and on ")
}

// matters reports whether a packet may have missed rules because of an exit.
func matters(e netfilter.Exit) bool { return len(e.Doubts) > 0 && (e.Ends || !e.Certain) }

func (k kernel) undetermined(p netfilter.Place) string {
	switch {
	case p.Table == nil:
		return "what a rule writes into the packet's header"
	case p.Rule != nil:
		return "a rule whose action is not understood"
	case p.Chain != nil && p.Chain.Err != nil:
		return "rules that could not be read"
	}
	return "more rules than can be followed"
}

// dependence says in words what a condition asks for.
func (k kernel) dependence(u netfilter.Unknown) string {
	switch u {
	case netfilter.OnSource:
		return "the source, which --source names"
	case netfilter.OnMark:
		return "the packet's mark"
	case netfilter.OnProtocol:
		return "the protocol"
	case netfilter.OnInterface:
		return "the device by which the packet leaves"
	case netfilter.OnType:
		return "the type of an address"
	case netfilter.OnHeader:
		return "the packet's header"
	case netfilter.OnChange:
		return "a set that changes while packets pass"
	case netfilter.OnChance:
		return "chance"
	}
	return "a condition that cannot be judged from here"
}

func (k kernel) possible(o netfilter.Outcome) Possible {
	p := Possible{Verdict: o.Fate, To: target(o), Rule: ruleText(o.By), Place: placeText(o.By)}
	seen := map[string]bool{}
	add := func(doubts []netfilter.Doubt) {
		for _, d := range doubts {
			text := fmt.Sprintf("%s (%s)", printable.Line(d.Text), d.On)
			if !seen[text] {
				seen[text] = true
				p.Conditions = append(p.Conditions, text)
			}
		}
	}
	add(o.Doubts)
	if o.By.Table == nil { // no rule decides: what may have ended the base chains
		for _, e := range k.result.Exits {
			if matters(e) {
				add(e.Doubts)
			}
		}
	}
	return p
}

// target returns the address that SNAT names.
func target(o netfilter.Outcome) string {
	if o.Fate != netfilter.Translated {
		return ""
	}
	return o.To.String()
}

// ruleText returns a rule as its own tool prints it, or what stands for one.
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
