// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"net/netip"
	"slices"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// Entry is any rule of the nat table, ours or somebody else's, as far as it can
// be understood without being written again: which packets it takes, as far as
// its conditions are known here, and where it sends them.
type Entry struct {
	Chain   string // that it stands in
	Spec    string // behind "-A CHAIN ", as iptables -S prints it
	Comment string
	Target  string // of -j or -g; empty for a rule that only counts
	Goto    bool   // -g: the target's end is this chain's end too
	// Rule is what it says in our own vocabulary, and Count what it counted, if
	// Ours is true.
	Rule  Rule
	Ours  bool
	Count netfilter.Count // zero, unless it was printed

	conditions []condition
}

// String returns the entry as iptables -S prints it.
func (e Entry) String() string { return "-A " + e.Chain + " " + e.Spec }

// parseEntry reads a rule as iptables -S prints it. A condition it does not
// know is kept as one whose answer is Maybe.
func parseEntry(chain, spec string) Entry {
	e := Entry{Chain: chain, Spec: spec}
	rule, count, err := parseRule(spec)
	if err == nil {
		e.Rule, e.Ours, e.Count = rule, true, count
	}
	words, err := fields(spec)
	if err != nil {
		e.conditions = []condition{unknown(spec)}
		return e
	}
	for negated := false; len(words) > 0; {
		word := words[0]
		words = words[1:]
		switch word {
		case "!":
			negated = true
			continue
		case "-m":
			_, words = cut(words)
		case "--comment":
			e.Comment, words = cut(words)
		case "-c":
			_, words = cut(words)
			_, words = cut(words)
		case "-j", "-g":
			e.Target, _ = cut(words)
			e.Goto = word == "-g"
			return e // what follows are the target's options
		default:
			var arguments []string
			arguments, words = argumentsOf(words)
			e.conditions = append(e.conditions, newCondition(negated, word, arguments))
		}
		negated = false
	}
	return e
}

func cut(words []string) (string, []string) {
	if len(words) == 0 {
		return "", nil
	}
	return words[0], words[1:]
}

// argumentsOf splits off the words up to the next option.
func argumentsOf(words []string) (arguments, rest []string) {
	n := 0
	for n < len(words) && words[n] != "!" && !strings.HasPrefix(words[n], "-") {
		n++
	}
	return words[:n], words[n:]
}

// Unknown returns the conditions of the rule that nothing here can judge.
func (e Entry) Unknown() []string {
	var out []string
	for _, c := range e.conditions {
		if c.unknown {
			out = append(out, c.text)
		}
	}
	return out
}

// Uses tells whether the rule has a condition with this option, such as
// "--mark", whether or not it can be judged.
func (e Entry) Uses(option string) bool {
	for _, c := range e.conditions {
		if c.option == option {
			return true
		}
	}
	return false
}

// Prefix returns the range that -s or -d names, negated or not; the zero Prefix
// if the rule has no such option.
func (e Entry) Prefix(option string) netip.Prefix {
	for _, c := range e.conditions {
		if c.option == option {
			return c.prefix
		}
	}
	return netip.Prefix{}
}

// Conditions returns the rule's conditions as text, "! -d 10.0.0.0/8", without
// the comment; empty if it takes every packet.
func (e Entry) Conditions() string {
	var out []string
	for _, c := range e.conditions {
		out = append(out, c.text)
	}
	return strings.Join(out, " ")
}

// IsBuiltIn tells whether a target is one of iptables itself, and no chain.
func IsBuiltIn(target string) bool { return slices.Contains(reservedNames(), target) }
