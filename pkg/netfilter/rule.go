// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"fmt"
	"math"
	"slices"
)

// Count is the counter of a rule, or a sum of such counters.
type Count struct{ Packets, Bytes uint64 }

// Rule is one rule. Its steps run in order until a condition does not hold. A
// verdict or a verdict map is always the last step.
type Rule struct {
	// Text is the rule in the syntax of iptables-save, "-A POSTROUTING -j X", if
	// iptables encoded it, and of nft otherwise, "add rule ip nat POSTROUTING
	// jump X".
	Text    string
	Comment string
	Count   Count  // zero if the rule does not count
	Handle  uint64 // the handle in nf_tables; 0 in iptables-legacy
	// Native means that iptables cannot list the rule, because another program
	// wrote it.
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

// Rewrite overwrites a part of the network header with an unknown value.
type Rewrite struct{ Offset, Length int }

// Action is what a verdict does.
type Action uint8

// The actions, with the names that iptables(8) and nft(8) use.
const (
	Continue   Action = iota // go on with the next rule
	Accept                   // end the base chain
	Drop                     // end the packet
	Return                   // end the chain
	Jump                     // run Verdict.Chain, then continue
	Goto                     // run Verdict.Chain, then end the chain
	Masquerade               // source NAT to the outgoing interface's address
	SNAT                     // source NAT to Verdict.To
	Other                    // a target that is not understood: it may have any effect
)

// Verdict is what a rule does to a packet that matches.
type Verdict struct {
	Action Action
	Chain  string // of Jump and Goto
	// To is the address range of SNAT; the zero range if the rule takes the
	// address from elsewhere, such as a map.
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

// Ports returns the number of ports in the ranges.
func Ports(ranges ...PortRange) int {
	n := 0
	for _, r := range ranges {
		n += int(r.To) - int(r.From) + 1
	}
	return n
}

// VerdictMap applies the verdict of the element that contains the key. Without
// such an element and without a default the next rule follows.
type VerdictMap struct {
	Key       []Operand // empty if it is not understood
	Elements  []Element
	Default   *Verdict // if no element contains the key; nil if there is none
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
	// Err is why the rules could not be read. The chain may then have any
	// effect.
	Err error
}

// Table is a table with its chains.
type Table struct {
	// Owner is the kernel subsystem that has the table: OwnerNFTables or
	// OwnerLegacy.
	Owner   string
	Family  string // as nft(8) names it: ip, ip6, inet
	Name    string
	Dormant bool // its base chains have no effect
	Chains  map[string]*Chain
}

// The values of Table.Owner.
const (
	OwnerNFTables = "nftables" // nf_tables, also for the tables of iptables-nft
	OwnerLegacy   = "iptables-legacy"
)

// String returns the table as nft(8) names it. It says so if the table belongs
// to iptables-legacy.
func (t *Table) String() string {
	name := fmt.Sprintf("table %s %s", t.Family, t.Name)
	if t.Owner == OwnerLegacy {
		name += " of " + OwnerLegacy
	}
	return name
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

// Conditions returns the conditions of the rule.
func (r Rule) Conditions() []Condition {
	var out []Condition
	for _, step := range r.Steps {
		if c, ok := step.(Condition); ok {
			out = append(out, c)
		}
	}
	return out
}

// Unread returns a table that represents rules of a family that could not be
// read. It may have any effect.
func Unread(owner string, f Family, err error) *Table {
	chain := &Chain{Name: "POSTROUTING", Base: true, Priority: math.MinInt, Err: err}
	return &Table{Owner: owner, Family: f.NFT(), Name: "nat", Chains: map[string]*Chain{chain.Name: chain}}
}

// HasFamily reports whether packets of a family pass the table.
func (t *Table) HasFamily(f Family) bool {
	return t.Family == f.NFT() || t.Family == "inet"
}

// Ruleset is every table that has a base chain of type nat at postrouting, with
// the chains that can be reached from there.
type Ruleset struct{ Tables []*Table }
