// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package explain says what the source address of a new connection becomes and
// which rule decides that.
//
// The question can be put to the chain that a file makes, or to what the kernel
// holds. In the kernel every rule counts, whichever program wrote it. If a rule has a
// condition that cannot be judged and that matters, the answer is that the
// source address cannot be told, with the rules that may decide.
package explain

import (
	"fmt"
	"net/netip"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

// Question is a new connection.
type Question struct {
	Source      netip.Addr // the zero Addr is any pod
	Destination netip.Addr
	// Assumed is the range that Source was taken from, because none was named: the
	// first one of sourceCIDRs. It is the zero Prefix if Source was named.
	Assumed netip.Prefix
	// SourceRoute and Route are this node's routes to the two addresses.
	SourceRoute, Route host.Route
}

// Packet returns the first packet of the connection as postrouting sees it.
func (q Question) Packet() netfilter.Packet {
	p := netfilter.Packet{
		Source:          q.Source,
		Destination:     q.Destination,
		DestinationType: q.Route.Type,
		SourceType:      q.SourceRoute.Type,
		Out:             q.Route.Device,
	}
	// A pod's address is not the node's. Without a route the kernel classes an
	// address as unicast too (inet_addr_type).
	if p.SourceType == 0 {
		p.SourceType = netfilter.TypeUnicast
	}
	if p.DestinationType == 0 {
		p.DestinationType = netfilter.TypeUnicast
	}
	return p
}

// Answer is what becomes of the connection.
type Answer struct {
	Destination string `json:"destination"`
	Source      string `json:"source,omitempty"`
	// Assumed is the range of sourceCIDRs that Source was taken from, because none
	// was named.
	Assumed string `json:"assumedFrom,omitempty"`
	Local   bool   `json:"local"` // the destination is this node's own
	// Route is the type of the route to the destination, as ip-route(8) names
	// it; none if there is none.
	Route   string         `json:"route"`
	From    string         `json:"from"` // what was asked: file, default (there is no file) or kernel
	Verdict netfilter.Fate `json:"verdict"`
	To      string         `json:"to,omitempty"`    // the address, or range, of the verdict snat
	Rule    string         `json:"rule,omitempty"`  // that decides; empty if none does
	Place   string         `json:"place,omitempty"` // the rule's table and chain, if the kernel was asked
	Line    string         `json:"line,omitempty"`  // FILE:LINE of the range that decides, if a directory was asked
	// Possible are the rules that may decide, if the verdict is unknown.
	Possible []Possible `json:"possible,omitempty"`
	Why      string     `json:"why"`
	// First are eBPF data planes that may act before the rules do.
	First []string `json:"mayDecideFirst,omitempty"`
	// Overridden is a default range that contains the destination and that the
	// file replaced.
	Overridden string `json:"overriddenDefault,omitempty"`
	// File is what the file says, if the kernel was asked.
	File    *Answer `json:"file,omitempty"`
	Differs bool    `json:"differs"` // kernel and file

	decisive netip.Prefix // the range of the file that decides
	notPod   bool         // the source is this node's own, or outside sourceCIDRs
}

// Possible is one way in which a connection may go.
type Possible struct {
	Verdict    netfilter.Fate `json:"verdict"`
	To         string         `json:"to,omitempty"`
	Rule       string         `json:"rule,omitempty"`
	Place      string         `json:"place,omitempty"`
	Conditions []string       `json:"conditions,omitempty"` // that cannot be judged, and why
}

// Known reports whether there is one answer, and no other from the file.
func (a Answer) Known() bool { return a.Verdict != netfilter.Undetermined && !a.Differs }

func newAnswer(q Question, from string) Answer {
	a := Answer{
		Destination: q.Destination.String(),
		Local:       q.Route.Local(),
		Route:       q.Route.TypeName(),
		From:        from,
		notPod:      q.SourceRoute.Local(),
	}
	if q.Assumed.IsValid() {
		a.Assumed = q.Assumed.String()
	}
	if q.Source.IsValid() {
		a.Source = q.Source.String()
	}
	return a
}

// whyLocal explains what happens to a pod's packet to the node itself: it goes
// to INPUT and not to POSTROUTING.
func whyLocal(chain string) string {
	return fmt.Sprintf("the destination is LOCAL to this node, so chain %s is not consulted", chain)
}

// ByFile asks the chain that a file makes. Nil rules are of a family for which
// the agent has no chain. from is where they come from, file or default.
func ByFile(q Question, from, chain string, rules []iptables.Rule) Answer {
	a := newAnswer(q, from)
	a.Verdict = netfilter.Kept
	if a.Local {
		a.Why = whyLocal(chain)
		return a
	}
	if rules == nil {
		a.Why = "the agent has no IPv6 chain without --enable-ipv6"
		return a
	}
	a.notPod = a.notPod || !masq.MasqueradesFrom(rules, q.Source)
	rule, ok := masq.Decide(rules, q.Source, q.Destination)
	if !ok {
		a.Why = whyNoRule(q, chain, rules)
		return a
	}
	if rule.Target == iptables.Masquerade {
		a.Verdict = netfilter.Masqueraded
	}
	a.Rule = fmt.Sprintf("-A %s %s", chain, rule)
	a.Why = noRange
	if rule.Destination.IsValid() {
		a.Why = contains(rule.Destination)
		a.decisive = rule.Destination
	}
	return a
}

// whyNoRule explains why a packet reaches the end of the chain of a file.
func whyNoRule(q Question, chain string, rules []iptables.Rule) string {
	for _, r := range rules {
		if r.Target == iptables.Masquerade && r.Source.IsValid() {
			return fmt.Sprintf("no range of sourceCIDRs contains %s", q.Source)
		}
	}
	return fmt.Sprintf("sourceCIDRs has no %s range, so chain %s masquerades nothing", netfilter.FamilyOf(q.Destination), chain)
}

// noRange is why a rule without a destination decides.
const noRange = "no CIDR of the chain contains it"

func contains(r fmt.Stringer) string { return fmt.Sprintf("%s contains it", r) }

// WrittenIn sets the line of the range that decides.
func (a Answer) WrittenIn(origins config.Origins) Answer {
	a.Line = origins.Destinations[a.decisive].String()
	return a
}

// Against sets the kernel's answer beside the file's.
func (a Answer) Against(file Answer) Answer {
	a.File = &file
	a.Differs = a.Verdict != netfilter.Undetermined && a.Verdict != file.Verdict
	return a
}

// ReplacedDefault notes a default range that contains the destination, if the
// file masquerades it because its list replaced the defaults.
func (a Answer) ReplacedDefault(q Question, defaults, list []netip.Prefix) Answer {
	if a.From != "file" || a.Verdict != netfilter.Masqueraded {
		return a
	}
	for _, p := range list {
		if p.Contains(q.Destination) {
			return a
		}
	}
	for _, p := range defaults {
		if p.Contains(q.Destination) {
			a.Overridden = p.String()
		}
	}
	return a
}
