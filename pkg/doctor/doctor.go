// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package doctor finds what is wrong on a node, what follows from it and how to
// fix it.
//
// [Read] reads the configuration file and the state of the kernel into a [Node].
// [Examine] is a pure function of the Node. It returns a [Finding] for each thing
// that it checked, also where nothing is wrong. Something that could not be read is
// a Finding too, and does not stop the other checks.
package doctor

import (
	"strings"

	"ip-masq-agent/pkg/printable"
)

// Severity is how serious a Finding is.
type Severity string

// The severities.
const (
	OK        Severity = "ok"
	Info      Severity = "info"      // no action is needed
	Unchecked Severity = "unchecked" // the check was not possible
	Warning   Severity = "warning"   // some traffic may not be treated as the file says
	Error     Severity = "error"     // traffic is not treated as the file says
)

// Finding is the result of one check.
type Finding struct {
	// Check is config, agent, chain, jump, backend, other-agent, foreign-rule,
	// ebpf, ipv6, lock or connections.
	Check       string   `json:"check"`
	Severity    Severity `json:"severity"`
	Family      string   `json:"family,omitempty"`
	What        string   `json:"what"`
	Rules       []string `json:"rules,omitempty"` // the rules concerned, as iptables or nft prints them
	Consequence string   `json:"consequence,omitempty"`
	Remedy      string   `json:"remedy,omitempty"`
}

// Healthy reports whether no Finding is a Warning or an Error.
func Healthy(findings []Finding) bool {
	for _, f := range findings {
		if f.Severity == Warning || f.Severity == Error {
			return false
		}
	}
	return true
}

// Examine runs all checks.
func Examine(n Node) []Finding {
	var out []Finding
	for _, check := range []func(Node) []Finding{
		checkAgent, checkBackend, checkConfig, checkRules, checkLeftovers, checkOtherAgents,
		checkForeignRules, checkEBPF, checkIPv6, checkLock, checkConnections,
	} {
		out = append(out, check(n)...)
	}
	// Other programs' texts, and paths below n.Root, may be in any of the fields.
	clean := func(text string) string {
		if n.Root != "" {
			text = strings.ReplaceAll(text, n.Root+"/", "/")
		}
		return printable.Line(text)
	}
	for i := range out {
		f := &out[i]
		f.What, f.Consequence, f.Remedy = clean(f.What), clean(f.Consequence), clean(f.Remedy)
		f.Rules = printable.Lines(f.Rules)
	}
	return out
}
