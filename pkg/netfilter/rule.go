// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"fmt"
	"math"
	"slices"
)

// Count is what a rule, or several, counted.
type Count struct{ Packets, Bytes uint64 }

// Rule is one rule: its steps are taken in order, until a condition does not
// hold or there is a verdict or a verdict map, which is the last step.
type Rule struct {
	// Text is the rule as its own tool prints it: "-A POSTROUTING -j X" for a
	// rule in iptables' encoding, "add rule ip nat POSTROUTING jump X" for any
	// other.
	Text    string
	Comment string
	Count   Count  // zero if the rule does not count
	Handle  uint64 // by which nftables names it; 0 in iptables-legacy
	// Native means that iptables cannot list the rule, because it was written
	// by something else.
	Native bool
	Steps  []Step
}

// Step is a [Condition], a [SetMark], a [Rewrite], a [Verdict] or a
// [VerdictMap].
type Step interface{ step() }

func (Condition) step()  {}
func (SetMark) step()    {}
func (Rewrite) step()    {}
func (Verdict) step()    {}
func (VerdictMap) step() {}

// SetMark sets the packet's mark to an operand's value.
type SetMark struct{ To Operand }

// Rewrite overwrites a part of the network header with something unknown.
type Rewrite struct{ Offset, Length int }

// Action is what a verdict does.
type Action uint8

// The actions. Those of iptables(8) and nft(8) have their names there.
const (
	Continue   Action = iota // go on with the next rule
	Accept                   // end the base chain
	Drop                     // end the packet
	Return                   // end the chain
	Jump                     // go through Verdict.Chain, then on
	Goto                     // go through Verdict.Chain, then end the chain
	Masquerade               // source NAT to the outgoing interface's address
	SNAT                     // source NAT to Verdict.To
	Other                    // a target that is not understood: anything may follow
)

// Verdict is what a rule does with a packet that it matches.
type Verdict struct {
	Action Action
	Chain  string // of Jump and Goto
	// To is the range of addresses that SNAT names; the zero range if the rule
	// takes it from elsewhere, such as a map.
	To AddressRange
	// RandomFully and Ports are options of Masquerade and SNAT; the zero
	// PortRange is none.
	RandomFully bool
	Ports       PortRange
	Options     string // the others, such as "random" and "persistent"
	Name        string // of Other
}

// PortRange is a range of transport ports, both ends included.
type PortRange struct{ From, To uint16 }

// String returns the range as iptables' --to-ports takes it.
func (p PortRange) String() string { return fmt.Sprintf("%d-%d", p.From, p.To) }

// VerdictMap takes the verdict of the element that the key is in. A packet
// whose key is in none goes on with the next rule.
type VerdictMap struct {
	Key       []Operand // empty if it is not understood
	Elements  []Element
	Default   *Verdict // of a packet whose key is in none, if there is one
	Uncertain bool     // as in Condition
	Text      string
}

// Chain is a chain with its rules.
type Chain struct {
	Name     string
	Base     bool // it is at the nat/postrouting hook
	Priority int  // of a base chain
	Policy   Action
	Rules    []Rule
	// Err is why the rules could not be read. Anything may happen in such a
	// chain.
	Err error
}

// Table is a table with its chains.
type Table struct {
	// Owner is what holds the table: OwnerNFTables or OwnerLegacy.
	Owner   string
	Family  string // as nft(8) names it: ip, ip6, inet
	Name    string
	Dormant bool // its base chains are not in force
	Chains  map[string]*Chain
}

// The values of Table.Owner.
const (
	OwnerNFTables = "nftables" // nf_tables, which has iptables-nft's tables too
	OwnerLegacy   = "iptables-legacy"
)

// String returns the table as nft(8) names it, and which program's it is if it
// is iptables-legacy's.
func (t *Table) String() string {
	name := fmt.Sprintf("table %s %s", t.Family, t.Name)
	if t.Owner == OwnerLegacy {
		name += " of " + OwnerLegacy
	}
	return name
}

// Callers returns the rules that may send packets to a chain.
func (t *Table) Callers(chain string) []Place {
	var out []Place
	for _, c := range t.Chains {
		for i := range c.Rules {
			if slices.Contains(c.Rules[i].Targets(), chain) {
				out = append(out, Place{Table: t, Chain: c, Rule: &c.Rules[i]})
			}
		}
	}
	return out
}

// Targets returns the chains that the rule jumps or goes to.
func (r Rule) Targets() []string {
	var out []string
	add := func(v Verdict) {
		if (v.Action == Jump || v.Action == Goto) && !slices.Contains(out, v.Chain) {
			out = append(out, v.Chain)
		}
	}
	for _, step := range r.Steps {
		switch step := step.(type) {
		case Verdict:
			add(step)
		case VerdictMap:
			for _, e := range step.Elements {
				add(e.Verdict)
			}
			if step.Default != nil {
				add(*step.Default)
			}
		}
	}
	return out
}

// Unread returns a table that stands for rules of a family that could not be
// read. Anything may happen in it.
func Unread(owner string, f Family, err error) *Table {
	chain := &Chain{Name: "POSTROUTING", Base: true, Priority: math.MinInt, Err: err}
	return &Table{Owner: owner, Family: f.NFT(), Name: "nat", Chains: map[string]*Chain{chain.Name: chain}}
}

// HasFamily tells whether packets of a family pass the table.
func (t *Table) HasFamily(f Family) bool {
	return t.Family == f.NFT() || t.Family == "inet"
}

// Ruleset is every table that has a base chain of type nat at postrouting, with
// the chains that can be reached from there.
type Ruleset struct{ Tables []*Table }
