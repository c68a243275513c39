// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package explain answers: with whose address does a connection to this
// destination leave, and which rule decides so?
//
// It is asked of the chain that a file makes, or of what the kernel holds; then
// rules that are not ours count too, and where one of them has a condition that
// cannot be judged the answer is that it cannot be told.
package explain

import (
	"fmt"
	"net/netip"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/route"
)

// Question is a new connection.
type Question struct {
	Source      netip.Addr // the zero Addr is any pod
	Destination netip.Addr
	Route       route.Route // on this node
}

// packet is the question as rules see it, if the destination is not LOCAL.
func (q Question) packet() iptables.Packet {
	return iptables.Packet{Source: q.Source, Destination: q.Destination, Out: q.Route.Device}
}

// Answer is what becomes of it.
type Answer struct {
	Destination string       `json:"destination"`
	Source      string       `json:"source,omitempty"`
	Local       bool         `json:"local"` // the destination is this node's own
	From        string       `json:"from"`  // what was asked: file, default (there is no file) or kernel
	Verdict     masq.Verdict `json:"verdict"`
	Rule        string       `json:"rule,omitempty"` // that decides; empty if none does
	// Possible are the rules that may decide, where the verdict is unknown.
	Possible []Possible `json:"possible,omitempty"`
	Why      string     `json:"why"`
	// File is what the file says, where the kernel was asked.
	File    *Answer `json:"file,omitempty"`
	Differs bool    `json:"differs"` // kernel and file
}

// Possible is one way in which a connection may go.
type Possible struct {
	Verdict    masq.Verdict `json:"verdict"`
	Rule       string       `json:"rule,omitempty"`
	Conditions []string     `json:"conditions,omitempty"` // that cannot be judged
}

// Fine tells whether there is one answer, and no other from the file.
func (a Answer) Fine() bool { return a.Verdict != masq.Unknown && !a.Differs }

// ByFile asks the chain that a file makes; nil rules are of a family for which
// the agent keeps no chain. from says where they come from, file or default.
func ByFile(q Question, from, chain string, rules []iptables.Rule) Answer {
	a := newAnswer(q, from)
	a.Verdict = masq.Keep
	if q.Route.Local {
		a.Why = whyLocal(chain)
		return a
	}
	if rules == nil {
		a.Why = "the agent keeps no IPv6 chain without --enable-ipv6"
		return a
	}
	rule, ok := masq.Decide(rules, q.Destination)
	if !ok {
		a.Why = fmt.Sprintf("no rule of chain %s takes it", chain)
		return a
	}
	if rule.Target == iptables.Masquerade {
		a.Verdict = masq.Masquerade
	}
	a.Rule = fmt.Sprintf("-A %s %s", chain, rule)
	a.Why = because(rule.Destination)
	return a
}

// ByKernel asks what the kernel holds: POSTROUTING, our chain and all others
// on the way. chain names ours. Others are the tables of the other backend,
// whose rules are in force too and see what these here leave as it is.
func ByKernel(q Question, chain string, chains masq.Chains, others ...masq.Chains) Answer {
	a := newAnswer(q, "kernel")
	if q.Route.Local {
		a.Verdict, a.Why = masq.Keep, whyLocal(chain)
		return a
	}
	decisions := chains.Walk(iptables.Postrouting, q.packet())
	for _, o := range others {
		more := o.Walk(iptables.Postrouting, q.packet())
		switch {
		case masq.One(decisions) == masq.Masquerade || masq.One(more) == masq.Keep:
		case masq.One(decisions) == masq.Keep:
			decisions = more
		default:
			decisions = append(decisions, more...)
		}
	}
	a.Verdict = masq.One(decisions)
	if a.Verdict == masq.Unknown {
		a.Why = "it depends on conditions that cannot be judged from here"
		for _, d := range decisions {
			a.Possible = append(a.Possible, possible(d))
			if d.Rule.Uses("-s") && !q.Source.IsValid() {
				a.Why = "it depends on the source, which --source names"
			}
		}
		return a
	}
	// Of several that agree, the last is the one that takes what the others,
	// whose conditions cannot all be judged, leave.
	d := decisions[len(decisions)-1]
	a.Why = whyKernel(q, chain, chains, d)
	if d.Rule.Chain != "" {
		a.Rule = d.Rule.String()
	} else if rule, ok := returned(q, chain, chains); ok {
		a.Rule = rule.String()
	}
	return a
}

func newAnswer(q Question, from string) Answer {
	a := Answer{Destination: q.Destination.String(), From: from, Local: q.Route.Local}
	if q.Source.IsValid() {
		a.Source = q.Source.String()
	}
	return a
}

// whyLocal explains what a pod's packet to the node itself meets: INPUT, and no
// POSTROUTING. (The node's own to itself pass there, and the jump leaves them.)
func whyLocal(chain string) string {
	return fmt.Sprintf("the destination is LOCAL to this node, so chain %s is not consulted", chain)
}

func because(p netip.Prefix) string {
	if !p.IsValid() {
		return "no range of the chain has it"
	}
	return fmt.Sprintf("%s has it", p)
}

func whyKernel(q Question, chain string, chains masq.Chains, d masq.Decision) string {
	rule, kept := returned(q, chain, chains)
	switch {
	case d.Rule.Chain == chain:
		return because(d.Rule.Prefix("-d"))
	case d.Rule.Chain != "":
		return fmt.Sprintf("a rule outside chain %s decides", chain)
	case kept:
		return because(rule.Prefix("-d"))
	case len(chains[iptables.Postrouting].Jumps(chain)) == 0:
		return fmt.Sprintf("no rule of POSTROUTING goes to chain %s", chain)
	}
	return fmt.Sprintf("no rule of chain %s takes it", chain)
}

// returned is the rule of our chain that keeps the address, if one surely does.
func returned(q Question, chain string, chains masq.Chains) (iptables.Entry, bool) {
	if len(chains[iptables.Postrouting].Jumps(chain)) == 0 {
		return iptables.Entry{}, false
	}
	for _, e := range chains[chain].Entries {
		switch e.Matches(q.packet()) {
		case iptables.Yes:
			return e, e.Target == iptables.Return
		case iptables.Maybe:
			return iptables.Entry{}, false
		}
	}
	return iptables.Entry{}, false
}

func possible(d masq.Decision) Possible {
	p := Possible{Verdict: d.Verdict, Conditions: d.Rule.Unknown()}
	if d.Rule.Chain != "" {
		p.Rule = d.Rule.String()
	}
	return p
}

// Against sets the kernel's answer beside the file's.
func (a Answer) Against(file Answer) Answer {
	a.File = &file
	a.Differs = a.Verdict != masq.Unknown && a.Verdict != file.Verdict
	return a
}
