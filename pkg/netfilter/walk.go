// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"cmp"
	"slices"
)

const (
	// maxDepth is more than the kernel's own limit on nested jumps, 16
	// (NFT_JUMP_STACK_SIZE).
	maxDepth = 32
	// maxRules bounds a walk, in rules evaluated. A node with 60,000 rules at
	// postrouting is far below.
	maxRules = 4_000_000
)

// Walk sends a packet through every base chain at nat/postrouting of its family
// and returns all that may happen.
//
// The base chains run in the order of their priorities. Accept, and the end of
// a base chain, end only that chain. The first chain that translates the source
// wins. Of chains with equal priority the order cannot be learned from the
// kernel, so each of them may come first.
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

// baseChain is a base chain and its table.
type baseChain struct {
	table *Table
	chain *Chain
}

// byPriority returns the base chains that a family's packets pass, in order;
// those of one group have the same priority.
func (rs Ruleset) byPriority(f Family) [][]baseChain {
	var all []baseChain
	for _, t := range rs.Tables {
		if t.Dormant || !t.HasFamily(f) {
			continue
		}
		for _, c := range t.Chains {
			if c.Base {
				all = append(all, baseChain{t, c})
			}
		}
	}
	slices.SortFunc(all, func(a, b baseChain) int {
		if order := cmp.Compare(a.chain.Priority, b.chain.Priority); order != 0 {
			return order
		}
		return compareNames(a, b) // so that the same rules give the same text
	})
	var groups [][]baseChain
	for i, b := range all {
		if i == 0 || b.chain.Priority != all[i-1].chain.Priority {
			groups = append(groups, nil)
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], b)
	}
	return groups
}

func compareNames(a, b baseChain) int {
	return cmp.Or(
		cmp.Compare(a.table.Owner, b.table.Owner), cmp.Compare(a.table.Family, b.table.Family),
		cmp.Compare(a.table.Name, b.table.Name), cmp.Compare(a.chain.Name, b.chain.Name))
}

// walker collects what may happen on the way.
type walker struct {
	result Result
	seen   map[outcomeKey]bool
	rules  int // evaluated so far
}

// outcomeKey is what tells an outcome from others.
type outcomeKey struct {
	fate Fate
	to   AddressRange
	by   Place
}

// add records an outcome, unless it has been recorded with other doubts. A chain
// may have tens of thousands of rules that may decide.
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

// group sends a packet through base chains of equal priority. It returns what
// is known of a packet that may pass all of them.
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

// chainExit is how a packet may leave a chain without having been translated.
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

// trail is how a packet came to a chain.
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

// ruleWalk sends a packet through the steps of one rule.
type ruleWalk struct {
	*walker
	place     Place
	exit      *chainExit
	from      trail
	doubts    []Doubt // of from, and of the conditions so far
	certain   bool    // every condition so far surely holds
	continues bool    // the packet may go on to the next rule,
	next      state   // and this is what is known of it then
}

// steps follows a packet. What continues is collected in r.next.
func (r *ruleWalk) steps(s state) {
	for _, step := range r.place.Rule.Steps {
		switch step := step.(type) {
		case Condition:
			switch step.holds(s) {
			case No:
				r.goOn(s)
				return
			case Maybe:
				r.goOn(s)
				r.doubt(step.Text, step.doubt(s))
			}
		case SetMark:
			s.mark = step.To.of(s)
		case Rewrite:
			s = s.rewrite(step)
		case Verdict:
			if after, passes := r.verdict(step, s); passes {
				r.goOn(after)
			}
			return
		case VerdictMap:
			if after, passes := r.verdictMap(step, s); passes {
				r.goOn(after)
			}
			return
		}
	}
	r.goOn(s)
}

// goOn has the packet go on with the next rule.
func (r *ruleWalk) goOn(s state) {
	if r.continues {
		s = s.join(r.next)
	}
	r.continues, r.next = true, s
}

// doubt records a condition that may hold or not.
func (r *ruleWalk) doubt(text string, on Unknown) {
	r.certain = false
	r.doubts = append(slices.Clip(r.doubts), Doubt{Place: r.place, Text: text, On: on})
}

// outcome records what may happen to the packet because of the rule.
func (r *ruleWalk) outcome(f Fate, to AddressRange) {
	r.add(Outcome{Fate: f, To: to, By: r.place, Via: r.from.via, Doubts: r.doubts})
}

// verdict applies a verdict. It returns whether the packet may go on with the
// next rule, and what is known of it then.
func (r *ruleWalk) verdict(v Verdict, s state) (after state, passes bool) {
	switch v.Action {
	case Continue:
		return s, true
	case Accept:
		r.left(true)
		r.exit.addAccept(s)
	case Return:
		r.left(r.from.ends)
		r.exit.addReturn(s)
	case Drop:
		r.outcome(Dropped, AddressRange{})
	case Masquerade:
		r.outcome(Masqueraded, AddressRange{})
	case SNAT:
		r.outcome(Translated, v.To)
	case Jump, Goto:
		inner := r.chain(r.place.Table, r.place.Table.Chains[v.Chain], s, trail{
			via:    append(slices.Clip(r.from.via), r.place),
			doubts: r.doubts,
			ends:   v.Action == Goto && r.from.ends,
		})
		if inner.accepted {
			r.exit.addAccept(inner.afterAccept)
		}
		switch {
		case !inner.returned:
		case v.Action == Goto:
			r.exit.addReturn(inner.afterReturn)
		default:
			return inner.afterReturn, true
		}
	default:
		r.outcome(Undetermined, AddressRange{})
		r.exit.addAccept(s.changed())
		return s.changed(), true
	}
	return s, false
}

// left records a rule that sends the packet out of its chain untranslated.
func (r *ruleWalk) left(ends bool) {
	r.result.Exits = append(r.result.Exits, Exit{Place: r.place, Certain: r.certain, Ends: ends, Via: r.from.via, Doubts: r.doubts})
}

// verdictMap applies the verdict of each element that the key may be in.
func (r *ruleWalk) verdictMap(m VerdictMap, s state) (after state, passes bool) {
	if len(m.Key) == 0 || m.Uncertain {
		return r.verdict(Verdict{Action: Other, Name: m.Text}, s)
	}
	elements, found := match(m.Key, m.Elements, s)
	verdicts := make([]Verdict, 0, len(elements)+1)
	for _, e := range elements {
		if !slices.Contains(verdicts, e.Verdict) {
			verdicts = append(verdicts, e.Verdict)
		}
	}
	if found != Yes {
		if m.Default != nil {
			verdicts = append(verdicts, *m.Default)
		} else {
			after, passes = s, true
		}
	}
	if len(verdicts) > 1 || passes {
		r.doubt(m.Text, doubtOf(m.Key, s))
	}
	for _, v := range verdicts {
		end, p := r.verdict(v, s)
		switch {
		case !p:
		case passes:
			after = after.join(end)
		default:
			after, passes = end, true
		}
	}
	return after, passes
}
