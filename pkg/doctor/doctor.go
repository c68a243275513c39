// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package doctor answers: what is wrong on this node, what follows from it, and
// what mends it?
//
// Read gathers a Node: what the file says and what the kernel holds. Examine is
// pure, and makes findings of it, one for each thing that was looked at, the
// healthy ones too: what could not be checked is a finding of its own.
package doctor

import (
	"net/netip"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/route"
)

// Severity says what a finding calls for.
type Severity string

// The severities.
const (
	OK        Severity = "ok"
	Info      Severity = "info"      // worth knowing
	Unchecked Severity = "unchecked" // could not be looked at
	Warning   Severity = "warning"   // some traffic may not go as the file says
	Error     Severity = "error"     // traffic does not go as the file says
)

// Finding is one thing that was looked at.
type Finding struct {
	Check       string   `json:"check"` // config, chain, jump, backend, other-agent, foreign-rule, ipv6, lock, connections
	Severity    Severity `json:"severity"`
	Family      string   `json:"family,omitempty"`
	What        string   `json:"what"`
	Rules       []string `json:"rules,omitempty"` // that it is about, as iptables -S prints them
	Consequence string   `json:"consequence,omitempty"`
	Remedy      string   `json:"remedy,omitempty"`
}

// Fine tells whether nothing calls for action.
func Fine(findings []Finding) bool {
	for _, f := range findings {
		if f.Severity == Warning || f.Severity == Error {
			return false
		}
	}
	return true
}

// Node is what was read of a node.
type Node struct {
	ChainName  string
	ConfigFile string
	ConfigErr  error // why the file is refused or unreadable
	NoFile     bool  // there is none, so the defaults hold
	Config     config.Config
	IPv6       bool // --enable-ipv6

	Backend    iptables.Choice
	BackendErr error // no usable iptables
	Tables     []Table

	Forwarding    string // net.ipv6.conf.all.forwarding
	ForwardingErr error
	IPv6Address   bool // a device has one that is not link-local

	Mounts    string // /proc/self/mountinfo
	MountsErr error

	Flows    map[Flow]int // how many connections there are of each
	FlowsErr error
	Routes   map[netip.Addr]route.Route // of the sources and destinations of Flows
}

// Table is one family's nat table in one backend.
type Table struct {
	Family  netfilter.Family
	Backend iptables.Backend
	Err     error          // why it could not be read
	Want    iptables.Chain // what the file asks for there
	// Chains are ours and other agents', and all that can be reached from
	// POSTROUTING.
	Chains masq.Chains
}

// Flow is what connections have in common that rules decide by.
type Flow struct {
	Source, Reached netip.Addr // Reached is the destination behind any DNAT
	Masqueraded     bool       // it left with another source
	Translated      bool       // by DNAT: it was to a Service, say
}

// Examine returns what is to be said of a node, in the order of the checks.
func Examine(n Node) []Finding {
	var out []Finding
	for _, check := range []func(Node) []Finding{
		backend, configuration, chains, leftovers, otherAgents, foreignRules, ipv6, lock, connections,
	} {
		out = append(out, check(n)...)
	}
	return out
}

// inUse are the tables that the agent keeps.
func (n Node) inUse() []Table {
	var out []Table
	for _, t := range n.Tables {
		if t.Backend == n.Backend.Backend && (t.Family == netfilter.IPv4 || n.IPv6) {
			out = append(out, t)
		}
	}
	return out
}

// rules are what decides in a table of ours: what the file asks for, or, if
// that is refused, what the kernel has.
func (n Node) rules(t Table) []iptables.Rule {
	if n.ConfigErr == nil {
		return t.Want.Rules
	}
	rules, _ := t.Chains[n.ChainName].Rules()
	return rules
}
