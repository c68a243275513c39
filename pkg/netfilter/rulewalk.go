// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import "slices"

// ruleWalk sends a packet through the steps of one rule.
type ruleWalk struct {
	*walker
	place     Place
	exit      *chainExit
	from      trail
	doubts    []Doubt // of from and of the conditions so far
	certain   bool    // every condition so far holds for certain
	continues bool    // the next rule may follow
	next      state   // the state in which the next rule gets the packet
}

// steps runs the steps of the rule. It collects the state of packets that go on
// to the next rule in r.next.
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

// goOn records that the packet may go on to the next rule in state s.
func (r *ruleWalk) goOn(s state) {
	if r.continues {
		s = s.join(r.next)
	}
	r.continues, r.next = true, s
}

// doubt records a condition that may or may not hold.
func (r *ruleWalk) doubt(text string, on Unknown) {
	r.certain = false
	r.doubts = append(slices.Clip(r.doubts), Doubt{Place: r.place, Text: text, On: on})
}

// outcome records a possible outcome that the rule causes.
func (r *ruleWalk) outcome(f Fate, to AddressRange) {
	r.add(Outcome{Fate: f, To: to, By: r.place, Via: r.from.via, Doubts: r.doubts})
}

// verdict applies a verdict. It returns whether the next rule may follow, and
// the state in which that rule gets the packet.
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
		exits := len(r.result.Exits)
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
			if len(r.result.Exits) == exits { // the packet reached the end of the chain
				r.left(r.from.ends)
			}
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

// left records that the rule may end the packet's way through the chain without
// source NAT.
func (r *ruleWalk) left(ends bool) {
	r.result.Exits = append(r.result.Exits, Exit{Place: r.place, Certain: r.certain, Ends: ends, Via: r.from.via, Doubts: r.doubts})
}

// verdictMap applies the verdict of each element that may contain the key.
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
