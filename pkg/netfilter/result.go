// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"fmt"
	"slices"
)

// Fate is what becomes of the source address of a packet.
type Fate string

// The fates.
const (
	Kept         Fate = "keep"       // it stays as it is
	Masqueraded  Fate = "masquerade" // it becomes the outgoing interface's
	Translated   Fate = "snat"       // it becomes the one that an SNAT rule names
	Dropped      Fate = "drop"       // the packet does not leave
	Undetermined Fate = "unknown"    // cannot be told
)

// Place is a rule and where it is.
type Place struct {
	Table *Table
	Chain *Chain
	Rule  *Rule // nil for the end of a base chain, or for a chain that was not read
}

// String returns the rule as its own tool prints it, or what stands for one.
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

// Steps returns the rule's steps; none if there is no rule.
func (p Place) Steps() []Step {
	if p.Rule == nil {
		return nil
	}
	return p.Rule.Steps
}

// Outcome is one thing that may happen to a packet.
type Outcome struct {
	Fate Fate
	To   AddressRange // of Translated; the zero range if it cannot be told
	By   Place        // the zero Place if no rule decides
	// Via are the rules that jump or go to By's chain, from the base chain on,
	// and Doubts the conditions, theirs and By's, that may hold or not.
	Via    []Place
	Doubts []Doubt
}

// Doubt is a condition of a rule that may hold for a packet or not.
type Doubt struct {
	Place
	Text string  // as in Condition
	On   Unknown // why it cannot be told
}

// Unknown is why a condition cannot be judged.
type Unknown string

// The reasons.
const (
	NotKnown    Unknown = "condition"          // the condition is not understood
	OnChange    Unknown = "changing set"       // its elements change while packets pass
	OnSource    Unknown = "source"             // the packet's source address
	OnMark      Unknown = "mark"               // the packet's mark
	OnProtocol  Unknown = "protocol"           // the transport protocol
	OnInterface Unknown = "outgoing interface" // the device by which the packet leaves
	OnType      Unknown = "address type"       // how the routing table classes an address
	OnHeader    Unknown = "header"             // another part of the packet's header
	OnChance    Unknown = "chance"             // the rule matches at random
)

// Exit is a rule that sent a packet out of its chain, by return or accept, with
// its address as it was.
type Exit struct {
	Place
	Certain bool // the packet surely left the chain there, if it came that far
	Ends    bool // it left the base chain too
	Via     []Place
	Doubts  []Doubt
}

// Result is everything that may happen to a packet.
type Result struct {
	Outcomes []Outcome // at least one
	Exits    []Exit    // in the order in which the packet met them
}

// Fate returns what all outcomes agree on, else Undetermined.
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

// May tells whether a fate is among the outcomes.
func (r Result) May(f Fate) bool {
	return slices.ContainsFunc(r.Outcomes, func(o Outcome) bool { return o.Fate == f })
}
