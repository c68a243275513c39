// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import "bytes"

// Range is a range of byte strings of one length, both ends included, in
// lexical order, which for network byte order is the order of numbers.
type Range struct{ From, To []byte }

// against reports whether a value lies in the range.
func (r Range) against(o Operand, v value) Truth {
	if len(r.From) != len(v.bits) || len(r.To) != len(v.bits) {
		return Maybe
	}
	low, high := o.bounds(v)
	switch {
	case bytes.Compare(r.To, low) < 0 || bytes.Compare(r.From, high) > 0:
		return No
	case bytes.Compare(r.From, low) <= 0 && bytes.Compare(high, r.To) <= 0:
		return Yes
	case bytes.Equal(r.From, r.To) && v.is(r.From) == No:
		return No
	}
	return Maybe
}

// Element is one element of a set: a range for each operand of the key, and, in
// a verdict map, the verdict for packets that match.
type Element struct {
	Key     []Range
	Verdict Verdict
}

// holds reports whether the key's values lie in the element.
func (e Element) holds(key []Operand, values []value) Truth {
	if len(e.Key) != len(key) {
		return Maybe
	}
	t := Yes
	for i, r := range e.Key {
		t = min(t, r.against(key[i], values[i]))
	}
	return t
}

// Condition is one test of a rule. It holds if the key is in one of the
// elements, or in none of them if it is negated.
type Condition struct {
	Key      []Operand // empty if the condition is not understood
	Elements []Element // disjoint
	Negated  bool
	// Uncertain means that packets may change the elements, or that the
	// condition can fail for other reasons. The result is then always Maybe.
	Uncertain bool
	// Text is the condition as iptables or nft prints it, such as
	// "-d 10.0.0.0/8" or "ip daddr 10.0.0.0/8". For a condition that is not
	// understood it is at least the name of the expression.
	Text string
}

// NotUnderstood returns a condition that may or may not hold.
func NotUnderstood(text string) Condition { return Condition{Text: text, Uncertain: true} }

// Understood reports whether the condition can be evaluated if enough of the
// packet is known.
func (c Condition) Understood() bool { return len(c.Key) > 0 && !c.Uncertain }

// holds reports whether a packet meets the condition.
func (c Condition) holds(s state) Truth {
	if !c.Understood() {
		return Maybe
	}
	_, t := match(c.Key, c.Elements, s)
	if c.Negated {
		return t.Not()
	}
	return t
}

// match returns the elements that may contain the key, and whether one of them
// does.
func match(key []Operand, elements []Element, s state) (possible []Element, t Truth) {
	values := make([]value, len(key))
	for i, o := range key {
		values[i] = o.of(s)
	}
	for _, e := range elements {
		switch e.holds(key, values) {
		case Yes:
			return []Element{e}, Yes
		case Maybe:
			possible, t = append(possible, e), Maybe
		}
	}
	if len(key) == 1 && cover(possible, key[0], values[0]) {
		t = Yes
	}
	return possible, t
}

// cover reports whether the disjoint elements together contain every value that
// the operand can have.
func cover(elements []Element, o Operand, v value) bool {
	next, high := o.bounds(v)
	for range elements { // each iteration uses one element
		found := false
		for _, e := range elements {
			r := e.Key[0]
			if len(r.From) == len(next) && bytes.Compare(r.From, next) <= 0 && bytes.Compare(next, r.To) <= 0 {
				if bytes.Compare(high, r.To) <= 0 {
					return true
				}
				next, found = Successor(r.To), true
				break
			}
		}
		if !found {
			return false
		}
	}
	return false
}
