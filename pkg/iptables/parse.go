// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"strconv"
	"strings"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/printable"
)

// parseRule parses a rule as iptables -S and iptables-save print it; spec is the
// text after "-A CHAIN ". A match that is not understood becomes a condition that
// may or may not hold, a target that is not understood a verdict that may have any
// effect.
func parseRule(f netfilter.Family, chain, spec string) netfilter.Rule {
	p := ruleParser{family: f}
	p.rule.Text = "-A " + chain + " " + printable.Line(withoutCounters(spec))
	words, err := fields(spec)
	if err != nil {
		p.add(netfilter.NotUnderstood(printable.Line(spec)))
		p.add(netfilter.Verdict{Action: netfilter.Other, Name: err.Error()})
		return p.rule
	}
	p.words = words
	for len(p.words) > 0 {
		p.option()
	}
	return p.rule
}

// ruleParser parses one rule. words is the rest of it.
type ruleParser struct {
	family netfilter.Family
	words  []string
	match  string // the last -m
	rule   netfilter.Rule
}

func (p *ruleParser) add(s netfilter.Step) { p.rule.Steps = append(p.rule.Steps, s) }

func (p *ruleParser) next() string {
	if len(p.words) == 0 {
		return ""
	}
	word := p.words[0]
	p.words = p.words[1:]
	return word
}

// arguments returns the words up to the next option.
func (p *ruleParser) arguments() []string {
	n := 0
	for n < len(p.words) && p.words[n] != "!" && !isOption(p.words[n]) {
		n++
	}
	out := p.words[:n]
	p.words = p.words[n:]
	return out
}

// isOption reports whether a word is an option, and not an argument such as "-1".
func isOption(word string) bool {
	return len(word) > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9')
}

// option parses the next option.
func (p *ruleParser) option() {
	negated := false
	option := p.next()
	if option == "!" {
		negated, option = true, p.next()
	}
	switch option {
	case "-m":
		p.match = p.next()
		if hasNoOption(p.match) {
			p.add(netfilter.NotUnderstood("-m " + p.match))
		}
	case "--comment":
		p.rule.Comment = p.next()
	case "-c":
		p.rule.Count.Packets, _ = strconv.ParseUint(p.next(), 10, 64)
		p.rule.Count.Bytes, _ = strconv.ParseUint(p.next(), 10, 64)
	case "-j", "-g":
		p.add(verdictOf(p.next(), option == "-g", p.targetOptions()))
	default:
		p.condition(negated, option, p.arguments())
	}
}

// hasNoOption reports whether a match is printed as "-m NAME" alone.
func hasNoOption(match string) bool {
	return match == "unclean" || match == "socket" || match == "rpfilter"
}

// targetOptions returns the words after the target, without the counters, which
// iptables -v -S prints last for some targets.
func (p *ruleParser) targetOptions() []string {
	var out []string
	for len(p.words) > 0 {
		if p.words[0] == "-c" && len(p.words) >= 3 {
			return out
		}
		out = append(out, p.next())
	}
	return out
}

// condition parses an option of a match.
func (p *ruleParser) condition(negated bool, option string, arguments []string) {
	text := strings.Join(append([]string{option}, arguments...), " ")
	if negated {
		text = "! " + text
	}
	if p.match != "" && strings.HasPrefix(option, "--") {
		text = "-m " + p.match + " " + text
	}
	text = printable.Line(text)
	if option == "--mode" && len(arguments) == 1 && arguments[0] == "random" {
		return // what follows says the probability
	}
	c := netfilter.NotUnderstood(text)
	if len(arguments) == 1 {
		c = understand(p.family, option, arguments[0])
		c.Text = text
		c.Negated = c.Negated != negated
	}
	p.add(c)
}

// withoutCounters removes the counters that saved puts in front of a rule.
func withoutCounters(spec string) string {
	if words := strings.SplitN(spec, " ", 4); len(words) == 4 && words[0] == "-c" {
		return words[3]
	}
	return spec
}
