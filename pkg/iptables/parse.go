// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"net/netip"
	"strconv"

	"ip-masq-agent/pkg/netfilter"
)

// parseRule reads a rule in the order in which the kernel's state is printed,
// which is not the order in which it was written. Anything outside the
// vocabulary of Rule is an error.
func parseRule(spec string) (Rule, netfilter.Count, error) {
	words, err := fields(spec)
	if err != nil {
		return Rule{}, netfilter.Count{}, err
	}
	p := ruleParser{words: words}
	for p.err == nil && len(p.words) > 0 {
		p.option()
	}
	return p.rule, p.count, p.err
}

type ruleParser struct {
	words []string
	rule  Rule
	count netfilter.Count
	err   error
}

func (p *ruleParser) option() {
	switch word := p.next(); word {
	case "-m":
		p.expect("comment", "addrtype", "statistic")
	case "--comment":
		p.rule.Comment = p.next()
	case "!": // the only negation we write
		p.expect("--dst-type")
		p.expect("LOCAL")
		p.rule.NotLocal = true
	case "-d":
		p.rule.Destination = parsed(p, netip.ParsePrefix)
	case "-p":
		p.rule.Protocol = protocolName(p.next())
	case "--mode":
		p.expect("random")
	case "--probability":
		p.rule.Probability = parsed(p, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
	case "-j":
		p.rule.Target = p.next()
	case "--random-fully":
		p.rule.RandomFully = true
	case "--to-ports":
		p.rule.ToPorts = parsed(p, ParsePortRange)
	case "-c":
		number := func(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) }
		p.count = netfilter.Count{Packets: parsed(p, number), Bytes: parsed(p, number)}
	default:
		p.fail("%q is not part of our rules", word)
	}
}

func (p *ruleParser) next() string {
	if len(p.words) == 0 {
		p.fail("the rule ends too early")
		return ""
	}
	word := p.words[0]
	p.words = p.words[1:]
	return word
}

func (p *ruleParser) expect(any ...string) {
	word := p.next()
	for _, a := range any {
		if word == a {
			return
		}
	}
	p.fail("%q is not part of our rules", word)
}

func (p *ruleParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// parsed reads the next word as a T.
func parsed[T any](p *ruleParser, parse func(string) (T, error)) T {
	v, err := parse(p.next())
	if err != nil {
		p.fail("%w", err)
	}
	return v
}

// protocolName undoes the number that some versions print where
// /etc/protocols is missing, as it is in small images.
func protocolName(s string) string {
	switch s {
	case "6":
		return "tcp"
	case "17":
		return "udp"
	case "132":
		return "sctp"
	}
	return s
}
