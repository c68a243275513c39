// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"fmt"
	"slices"
)

// Fate is what happens to the source address of a packet.
type Fate string

// The fates.
const (
	Kept         Fate = "keep"       // the rules do not change it
	Masqueraded  Fate = "masquerade" // it becomes an address of the outgoing interface
	Translated   Fate = "snat"       // it becomes the address of an SNAT rule
	Dropped      Fate = "drop"       // the packet does not leave
	Undetermined Fate = "unknown"    // cannot be told
)

// Place is a rule with its chain and table.
type Place struct {
	Table *Table
	Chain *Chain
	Rule  *Rule // nil for the end of a base chain, or for a chain that was not read
}

// String returns the rule as iptables or nft prints it. Without a rule it
// describes the chain's policy or why the chain was not read.
func (p Place) String() string {
	switch {
	case p.Rule != nil:
		return p.Rule.Text
	case p.Chain != nil && p.Chain.Err != nil:
		return fmt.Sprintf("(not read: %v)", p.Chain.Err)
	case p.Chain != nil && p.Chain.Base:
		return fmt.Sprintf("(the policy of chain %s)", p.Chain.Name)
	}
	return ""
}

// Conditions returns the rule's conditions; none if there is no rule.
func (p Place) Conditions() []Condition {
	if p.Rule == nil {
		return nil
	}
	return p.Rule.Conditions()
}

// Outcome is one possible fate of a packet, with the rule that causes it.
type Outcome struct {
	Fate Fate
	To   AddressRange // of Translated; the zero range if it cannot be told
	By   Place        // the zero Place if no rule decides
	// Via are the rules that lead from the base chain to By's chain by jump or
	// goto. Doubts are the conditions, of these rules and of By, that may or
	// may not hold.
	Via    []Place
	Doubts []Doubt
}

// Doubt is a condition of a rule that may or may not hold for a packet.
type Doubt struct {
	Place
	Text string  // as in Condition
	On   Unknown // why that is not known
}

// Unknown is the reason why a condition cannot be evaluated.
type Unknown string

// The reasons.
const (
	NotKnown    Unknown = "condition"          // the condition is not understood
	OnChange    Unknown = "changing set"       // its elements change while packets pass
	OnSource    Unknown = "source"             // the packet's source address
	OnMark      Unknown = "mark"               // the packet's mark
	OnProtocol  Unknown = "protocol"           // the transport protocol
	OnInterface Unknown = "outgoing interface" // the device by which the packet leaves
	OnType      Unknown = "address type"       // the type of an address in the routing table
	OnHeader    Unknown = "header"             // another part of the packet's header
	OnChance    Unknown = "chance"             // the rule matches at random
)

// Exit is a rule whose return or accept ended a packet's way through a chain
// with an unchanged source address.
type Exit struct {
	Place
	Certain bool // the rule matches for certain if the packet reaches it
	Ends    bool // it left the base chain too
	Via     []Place
	Doubts  []Doubt
}

// Result is everything that may happen to a packet.
type Result struct {
	Outcomes []Outcome // at least one
	Exits    []Exit    // in the order in which the packet met them
}

// Fate returns the fate of all outcomes if they agree, else Undetermined.
func (r Result) Fate() Fate {
	first := r.Outcomes[0]
	for _, o := range r.Outcomes {
		if o.Fate != first.Fate || o.To != first.To {
			return Undetermined
		}
	}
	if first.Fate == Translated && !first.To.From.IsValid() {
		return Undetermined
	}
	return first.Fate
}

// May reports whether a fate is among the outcomes.
func (r Result) May(f Fate) bool {
	return slices.ContainsFunc(r.Outcomes, func(o Outcome) bool { return o.Fate == f })
}
