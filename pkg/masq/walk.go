// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"slices"

	"ip-masq-agent/pkg/iptables"
)

// Verdict is whose source address a connection leaves with.
type Verdict string

// The verdicts.
const (
	Keep       Verdict = "keep"       // the pod's
	Masquerade Verdict = "masquerade" // the node's, or another one that SNAT names
	Unknown    Verdict = "unknown"    // a rule has conditions that cannot be judged
)

// Decision is a way in which rules may decide about a packet.
type Decision struct {
	Verdict Verdict
	// Rule decides; its zero value means that none did, and the source address
	// stays as it is.
	Rule iptables.Entry
}

// Chains finds a chain by name; one that cannot be read is unknown, and has
// Exists false.
type Chains map[string]iptables.Listing

// Walk follows a packet through a chain as the kernel does, and returns every
// decision it may meet: one, unless a rule on the way has a condition that
// cannot be judged. The last is of no rule if the packet may pass them all.
func (c Chains) Walk(chain string, p iptables.Packet) []Decision {
	w := walker{chains: c, packet: p}
	if w.chain(chain, 0) {
		w.add(Decision{Verdict: Keep})
	}
	return w.decisions
}

// Rule follows a packet into one rule of a chain: every decision it may meet
// there. None is of no rule; a packet that comes back out meets none.
func (c Chains) Rule(e iptables.Entry, p iptables.Packet) []Decision {
	w := walker{chains: c, packet: p}
	if e.Matches(p) != iptables.No {
		w.rule(e, 0)
	}
	return w.decisions
}

// One returns the verdict that all decisions agree on, else Unknown.
func One(decisions []Decision) Verdict {
	if len(decisions) == 0 {
		return Unknown
	}
	for _, d := range decisions {
		if d.Verdict != decisions[0].Verdict {
			return Unknown
		}
	}
	return decisions[0].Verdict
}

// maxDepth is more than any sane nesting of chains; the kernel refuses loops.
const maxDepth = 16

type walker struct {
	chains    Chains
	packet    iptables.Packet
	decisions []Decision
}

func (w *walker) add(d Decision) {
	if !slices.ContainsFunc(w.decisions, func(o Decision) bool {
		return o.Rule.Chain == d.Rule.Chain && o.Rule.Spec == d.Rule.Spec && o.Verdict == d.Verdict
	}) {
		w.decisions = append(w.decisions, d)
	}
}

// chain walks one chain, and tells whether the packet may come out at its end.
func (w *walker) chain(name string, depth int) (passes bool) {
	list, ok := w.chains[name]
	if depth > maxDepth || !ok || !list.Exists {
		w.add(Decision{Verdict: Unknown, Rule: iptables.Entry{Chain: name, Spec: "(not read)"}})
		return true
	}
	for _, e := range list.Entries {
		answer := e.Matches(w.packet)
		if answer == iptables.No {
			continue
		}
		ends, comesOut := w.rule(e, depth)
		passes = passes || comesOut
		if answer == iptables.Yes && ends {
			return passes
		}
	}
	return true
}

// rule follows a rule that takes the packet: whether it ends the walk of its
// chain, and whether the packet may then come out at the chain's end.
func (w *walker) rule(e iptables.Entry, depth int) (ends, comesOut bool) {
	switch e.Target {
	case "":
		return false, false
	case "RETURN":
		return true, true
	case "ACCEPT", "DROP":
		w.add(Decision{Verdict: Keep, Rule: e})
		return true, false
	case "MASQUERADE", "SNAT", "NETMAP", "SAME":
		w.add(Decision{Verdict: Masquerade, Rule: e})
		return true, false
	case "MARK", "CONNMARK", "LOG", "NFLOG", "TRACE", "SET", "COUNTER":
		return false, false // they go on to the next rule
	}
	passes := w.chain(e.Target, depth+1)
	if e.Goto {
		return true, passes
	}
	return !passes, false
}
