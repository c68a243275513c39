// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package doctor finds what is wrong on a node, what follows from it and what
// to do about it.
//
// Read gathers a Node: what the file says and what the kernel holds. Examine is
// pure and returns one finding for each thing that was looked at, the healthy
// ones included. What could not be read is a finding of its own and costs no
// other check.
package doctor

import (
	"net/netip"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/printable"
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
	// Check is config, agent, chain, jump, backend, other-agent, foreign-rule,
	// ebpf, ipv6, lock or connections.
	Check       string   `json:"check"`
	Severity    Severity `json:"severity"`
	Family      string   `json:"family,omitempty"`
	What        string   `json:"what"`
	Rules       []string `json:"rules,omitempty"` // that it is about, as their own tools print them
	Consequence string   `json:"consequence,omitempty"`
	Remedy      string   `json:"remedy,omitempty"`
}

// Healthy reports whether nothing calls for action.
func Healthy(findings []Finding) bool {
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
	ConfigErr  error // why the file is invalid or unreadable
	NoFile     bool  // there is none, so the defaults apply
	Config     config.Config
	Defaults   []netip.Prefix // that a list of the file replaces
	IPv6       bool           // the agent manages IPv6 rules
	AutoIPv6   bool           // --enable-ipv6=auto decided that
	NoAgent    bool           // no agent was found here, so the flags are the defaults

	Backend    Backend
	BackendErr error // no usable backend
	// Missing is why a family has no command of the backend.
	Missing map[netfilter.Family]error
	// Rules are all rules that decide about packets. A part that could not be
	// read is a chain with an error, see netfilter.Unread.
	Rules netfilter.Ruleset
	Want  map[netfilter.Family]iptables.Chain // what the file asks for
	// Chains are the chains of agents, this one's and others', that were found.
	Chains []Chain
	Unread []Unread
	// Drift is in what the table of the backend nftables is not as the file asks.
	Drift    map[netfilter.Family][]string
	DriftErr error

	Forwards      bool // the node forwards IPv6
	ForwardingErr error
	IPv6Address   bool // a device has one that is not link-local

	Mounts    string // /proc/self/mountinfo
	MountsErr error

	EBPF    []string // data planes that act before netfilter
	EBPFErr error

	Flows    map[Flow]int // how many connections there are of each
	FlowsErr error
	Routes   map[Flow]Way
}

// Backend is where the agent has its rules.
type Backend struct {
	Name string // iptables-nft, iptables-legacy or nftables
	Why  string
}

// Chain is an agent's chain in the nat table of a family and a backend of
// iptables, or its table of the backend nftables, where Rules is nil.
type Chain struct {
	Backend string
	Family  netfilter.Family
	Name    string
	Rules   *netfilter.Chain
	Jumps   []netfilter.Rule // of POSTROUTING that lead to it, in order
}

// Unread is a family's tables that could not be read.
type Unread struct {
	Backend string
	Family  netfilter.Family
	Err     error
}

// Flow is what connections have in common that rules decide by.
type Flow struct {
	Source, Reached netip.Addr // Reached is the destination after DNAT
	Protocol        uint8
	Masqueraded     bool // it left with another source
	Translated      bool // by DNAT: it was to a Service, for example
}

// Way is this node's routes to the addresses of a flow.
type Way struct{ Source, Reached host.Route }

// Examine returns the findings in the order of the checks.
func Examine(n Node) []Finding {
	var out []Finding
	for _, check := range []func(Node) []Finding{
		agent, backend, configuration, chains, leftovers, otherAgents, foreignRules, ebpf, ipv6, lock, connections,
	} {
		out = append(out, check(n)...)
	}
	for i := range out { // other programs' texts are in all of them
		f := &out[i]
		f.What, f.Consequence, f.Remedy = printable.Line(f.What), printable.Line(f.Consequence), printable.Line(f.Remedy)
		f.Rules = printable.Lines(f.Rules)
	}
	return out
}

// families are those that the agent manages.
func (n Node) families() []netfilter.Family {
	if n.IPv6 {
		return netfilter.Families()
	}
	return []netfilter.Family{netfilter.IPv4}
}

// chain returns an agent's chain of a family in a backend, nil if there is none.
func (n Node) chain(backend string, f netfilter.Family, name string) *Chain {
	for i, c := range n.Chains {
		if c.Backend == backend && c.Family == f && c.Name == name {
			return &n.Chains[i]
		}
	}
	return nil
}

// unread returns why a family's tables of a backend could not be read.
func (n Node) unread(backend string, f netfilter.Family) error {
	for _, u := range n.Unread {
		if u.Backend == backend && u.Family == f {
			return u.Err
		}
	}
	return nil
}
