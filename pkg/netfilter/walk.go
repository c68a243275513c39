// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

const (
	// maxDepth is more than the kernel's own limit on nested jumps, 16
	// (NFT_JUMP_STACK_SIZE).
	maxDepth = 32
	// maxRules bounds a walk, in rules evaluated. A node with 60,000 rules at
	// postrouting is far below.
	maxRules = 4_000_000
)

// Walk sends a packet through every base chain at nat/postrouting of its family
// and returns all possible outcomes.
//
// The base chains run in the order of their priorities. Accept, and the end of
// a base chain, end only that chain. The first chain that translates the source
// wins. The kernel does not tell in which order chains of equal priority
// run, so Walk assumes that each of them may be the first.
func (rs Ruleset) Walk(p Packet) Result {
	w := walker{}
	s := newState(p)
	for _, group := range rs.byPriority(s.family) {
		passes := false
		if s, passes = w.group(group, s); !passes {
			return w.result
		}
	}
	switch {
	case !s.rewritten:
		w.add(Outcome{Fate: Kept})
	case !w.result.May(Undetermined): // else a rule or a chain is the reason
		w.add(Outcome{Fate: Undetermined})
	}
	return w.result
}

// walker collects the possible outcomes.
type walker struct {
	result Result
	seen   map[outcomeKey]bool
	rules  int // evaluated so far
}

// outcomeKey identifies an outcome.
type outcomeKey struct {
	fate Fate
	to   AddressRange
	by   Place
}

// add records an outcome unless it was already recorded, perhaps with other
// doubts. A chain may have tens of thousands of rules that may decide.
func (w *walker) add(o Outcome) {
	key := outcomeKey{o.Fate, o.To, o.By}
	if w.seen[key] {
		return
	}
	if w.seen == nil {
		w.seen = map[outcomeKey]bool{}
	}
	w.seen[key] = true
	w.result.Outcomes = append(w.result.Outcomes, o)
}

// group sends a packet through base chains of equal priority. It returns whether
// the packet may pass all of them, and its state after that.
func (w *walker) group(group []baseChain, s state) (after state, passes bool) {
	if len(group) == 1 {
		return w.base(group[0], s)
	}
	// A chain may or may not see what the others do to the packet.
	for _, b := range group {
		probe := walker{}
		if end, passes := probe.base(b, s); passes && !end.equal(s) {
			s = s.changed()
			break
		}
	}
	passes = true
	for _, b := range group {
		_, p := w.base(b, s)
		passes = passes && p
	}
	return s, passes
}

// base sends a packet through a base chain.
func (w *walker) base(b baseChain, s state) (after state, passes bool) {
	exit := w.chain(b.table, b.chain, s, trail{ends: true})
	if exit.returned && b.chain.Policy == Drop {
		w.add(Outcome{Fate: Dropped, By: Place{Table: b.table, Chain: b.chain}})
		exit.returned = false
	}
	switch {
	case exit.returned && exit.accepted:
		return exit.afterReturn.join(exit.afterAccept), true
	case exit.returned:
		return exit.afterReturn, true
	case exit.accepted:
		return exit.afterAccept, true
	}
	return s, false
}

// chainExit records how a packet may leave a chain without source NAT.
type chainExit struct {
	returned    bool // to the calling chain, or at the end of a base chain
	accepted    bool // which ends the base chain
	afterReturn state
	afterAccept state
}

func (e *chainExit) addReturn(s state) {
	if e.returned {
		s = s.join(e.afterReturn)
	}
	e.returned, e.afterReturn = true, s
}

func (e *chainExit) addAccept(s state) {
	if e.accepted {
		s = s.join(e.afterAccept)
	}
	e.accepted, e.afterAccept = true, s
}

// trail records how a packet reached a chain.
type trail struct {
	via    []Place // the rules that jump, from the base chain on
	doubts []Doubt // of these rules
	ends   bool    // the end of the chain is the end of the base chain
}

// chain sends a packet through a chain.
func (w *walker) chain(t *Table, c *Chain, s state, from trail) chainExit {
	var exit chainExit
	if c == nil || c.Err != nil || len(from.via) > maxDepth {
		w.add(Outcome{Fate: Undetermined, By: Place{Table: t, Chain: c}, Via: from.via, Doubts: from.doubts})
		exit.addReturn(s.changed())
		return exit
	}
	for i := range c.Rules {
		if w.rules++; w.rules > maxRules {
			w.add(Outcome{Fate: Undetermined, By: Place{Table: t, Chain: c}, Via: from.via, Doubts: from.doubts})
			exit.addReturn(s.changed())
			return exit
		}
		r := ruleWalk{walker: w, place: Place{t, c, &c.Rules[i]}, exit: &exit, from: from, doubts: from.doubts, certain: true}
		r.steps(s)
		if !r.continues {
			return exit
		}
		s = r.next
	}
	exit.addReturn(s)
	return exit
}
