// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package explain says what the source address of a new connection becomes and
// which rule decides that. Package predict finds the rule. This package explains it.
//
// The answer is that of the configuration file, or that of the rules in the kernel,
// where the rules of all programs count. If a rule that matters has a condition that
// cannot be evaluated, the answer is that the source address cannot be told, with
// the rules that may decide.
package explain

import (
	"net/netip"

	"ip-masq-agent/pkg/netfilter"
)

// Answer is what happens to the connection.
type Answer struct {
	Destination string `json:"destination"`
	Source      string `json:"source,omitempty"`
	Assumed     string `json:"assumedFrom,omitempty"` // as in Question
	Local       bool   `json:"local"`                 // the destination is an address of this node
	// Route is the type of the route to the destination, as ip-route(8) names it,
	// and none if there is no route.
	Route   string         `json:"route"`
	From    string         `json:"from"` // whose answer it is: file, default (there is no file) or kernel
	Verdict netfilter.Fate `json:"verdict"`
	To      string         `json:"to,omitempty"`    // the address, or range, of the verdict snat
	Rule    string         `json:"rule,omitempty"`  // the rule that decides; empty if none does
	Place   string         `json:"place,omitempty"` // where the rule is; empty for a rule of the agent's chain that the file results in
	Line    string         `json:"line,omitempty"`  // FILE:LINE of the CIDR that decides, if --config is a directory
	// Possible are the rules that may decide, if the verdict is unknown.
	Possible []Possible `json:"possible,omitempty"`
	Why      string     `json:"why"`
	// First are eBPF data planes that may act before the rules do.
	First []string `json:"mayDecideFirst,omitempty"`
	// Overridden is a default CIDR that contains the destination and that the
	// list of the file replaced.
	Overridden string `json:"overriddenDefault,omitempty"`
	// File is the answer of the file, if this is the answer of the kernel.
	File    *Answer `json:"file,omitempty"`
	Differs bool    `json:"differs"` // the two answers differ

	decisive netip.Prefix // the CIDR of the file that decides
	notPod   bool         // the source is an address of this node, or outside sourceCIDRs
}

// Possible is one of several possible outcomes.
type Possible struct {
	Verdict    netfilter.Fate `json:"verdict"`
	To         string         `json:"to,omitempty"`
	Rule       string         `json:"rule,omitempty"`
	Place      string         `json:"place,omitempty"`
	Conditions []string       `json:"conditions,omitempty"` // that cannot be evaluated, and why
}

// Known reports whether the outcome is known and is what the file asks for.
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

// Against adds the answer of the file to the answer of the kernel.
func (a Answer) Against(file Answer) Answer {
	a.File = &file
	a.Differs = a.Verdict != netfilter.Undetermined && a.Verdict != file.Verdict
	return a
}
