// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain

import (
	"fmt"
	"slices"
	"strings"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/printable"
)

// whyUnknown names what the outcome depends on.
func (k kernel) whyUnknown() string {
	var on []string
	add := func(s string) {
		if !slices.Contains(on, s) {
			on = append(on, s)
		}
	}
	for _, o := range k.decision.Outcomes {
		for _, d := range o.Doubts {
			add(dependence(d.On))
		}
		switch {
		case o.Fate == netfilter.Undetermined:
			add(undetermined(o.By))
		case o.Fate == netfilter.Translated && !o.To.From.IsValid():
			add("the address that an SNAT rule takes from a map or another expression")
		}
	}
	for _, e := range k.decision.Exits {
		if matters(e) {
			for _, d := range e.Doubts {
				add(dependence(d.On))
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

// undetermined describes what may have any effect.
func undetermined(p netfilter.Place) string {
	switch {
	case p.Table == nil:
		return "what a rule writes into the packet's header"
	case p.Rule != nil:
		return "a rule with an action that explain does not understand"
	case p.Chain != nil && p.Chain.Err != nil:
		return "rules that could not be read"
	}
	return "more rules than explain can follow"
}

// dependence describes what a condition tests.
func dependence(u netfilter.Unknown) string {
	switch u {
	case netfilter.OnSource:
		return "the source (use --source)"
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
	return "a condition that explain cannot evaluate"
}

func (k kernel) possible(o netfilter.Outcome) Possible {
	p := Possible{Verdict: o.Fate, Rule: ruleText(o.By), Place: placeText(o.By)}
	if o.Fate == netfilter.Translated {
		p.To = o.To.String()
	}
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
	if o.By.Table == nil { // no rule decides: a rule may have ended a base chain
		for _, e := range k.decision.Exits {
			if matters(e) {
				add(e.Doubts)
			}
		}
	}
	return p
}
