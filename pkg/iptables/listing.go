// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// Listing is a chain as iptables -S printed it.
type Listing struct {
	Name    string
	Exists  bool
	Entries []Entry
}

// newListing passes over lines that are no rules: -N, -P, and warnings, which
// start with #.
func newListing(name string, lines []string) Listing {
	l := Listing{Name: name, Exists: len(lines) > 0}
	for _, line := range whole(lines) {
		if spec, isRule := strings.CutPrefix(line, "-A "+name+" "); isRule {
			l.Entries = append(l.Entries, parseEntry(name, spec))
		}
	}
	return l
}

// whole joins a rule that was printed over several lines, for there are line
// breaks in its comment: what follows such a break is no rule.
func whole(lines []string) []string {
	var out []string
	open := false
	for _, line := range lines {
		if open {
			out[len(out)-1] += "\n" + line
		} else {
			out = append(out, line)
		}
		last := out[len(out)-1]
		_, err := fields(last)
		open = errors.Is(err, errOpenQuote) && strings.HasPrefix(last, "-A ")
	}
	return out
}

// ParseListing reads a chain as iptables -S prints it; a chain that is not
// there prints nothing.
func ParseListing(name, text string) Listing {
	return newListing(name, strings.FieldsFunc(text, func(r rune) bool { return r == '\n' }))
}

// Rules returns the chain's rules in our vocabulary, and false if one of them
// says more than that.
func (l Listing) Rules() ([]Rule, bool) {
	var rules []Rule
	for _, e := range l.Entries {
		if !e.Ours {
			return nil, false
		}
		rules = append(rules, e.Rule)
	}
	return rules, true
}

// Traffic is what the chain's rules counted.
func (l Listing) Traffic() (t netfilter.Traffic) {
	for _, e := range l.Entries {
		t.Add(actionOf(e.Rule.Target), e.Count)
	}
	return t
}

// Jumps returns the places of the rules that go to a chain, whatever their
// conditions, from 0.
func (l Listing) Jumps(chain string) []int {
	var places []int
	for i, e := range l.Entries {
		if e.Target == chain {
			places = append(places, i)
		}
	}
	return places
}

// Reaches tells whether the entry does what the chain's own jump does, whatever
// its comment: no condition but that the destination is not LOCAL.
func (c Chain) Reaches(e Entry) bool {
	r := e.Rule
	r.Comment = c.Jump.Comment
	return e.Ours && !e.Goto && r.Equal(c.Jump)
}

// Differences tells, rule by rule, in what a listing is not the chain: the
// rules that are missing, marked "-", and those that are too many, marked "+".
// If the two have the same rules in another order, it says so.
func (c Chain) Differences(l Listing) []string {
	left := slices.Clone(c.Rules)
	var out []string
	inOrder := len(c.Rules) == len(l.Entries)
	for i, e := range l.Entries {
		inOrder = inOrder && e.Ours && e.Rule.Equal(c.Rules[i])
		place := slices.IndexFunc(left, func(r Rule) bool { return e.Ours && e.Rule.Equal(r) })
		if place < 0 {
			out = append(out, "+ "+e.String())
			continue
		}
		left = slices.Delete(left, place, place+1)
	}
	for _, r := range left {
		out = append(out, fmt.Sprintf("- -A %s %s", c.Name, r))
	}
	if len(out) == 0 && !inOrder {
		out = append(out, "the rules are in another order")
	}
	return out
}

// actionOf returns what a target of ours does.
func actionOf(target string) netfilter.Action {
	if target == Masquerade {
		return netfilter.Masquerade
	}
	return netfilter.Return
}
