// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package rules

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"go4.org/netipx"
)

// packet is the first packet of a connection.
type packet struct {
	source, destination netip.Addr
	protocol            string // tcp, udp, sctp or icmp
	local               bool   // the destination is an address of the node
}

func (p packet) String() string {
	return fmt.Sprintf("%s from %s to %s (local: %v)", p.protocol, p.source, p.destination, p.local)
}

// outcomes are the possible outcomes for a packet, each with its probability.
type outcomes map[string]float64

const kept = "kept"

// masqueraded returns the outcome of a masquerade rule. Ports are "", "4001" or
// "2001-3000".
func masqueraded(ports string, randomFully bool) string {
	out := "masqueraded"
	if ports != "" {
		out += " to ports " + ports
	}
	if randomFully {
		out += ", fully random"
	}
	return out
}

// chainRule is a rule of an iptables chain.
type chainRule struct {
	source, destination netip.Prefix // the zero value matches any address
	protocol            string       // empty matches any protocol
	probability         float64
	outcome             string
}

// parseChain parses a chain as "iptables -S" prints it. It knows only the
// options that the agent's chains have, and returns an error for anything else.
func parseChain(lines []string) ([]chainRule, error) {
	var out []chainRule
	for _, line := range lines {
		if strings.HasPrefix(line, "-N ") {
			continue
		}
		r, err := parseRule(words(line))
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", line, err)
		}
		out = append(out, r)
	}
	return out, nil
}

func parseRule(words []string) (chainRule, error) {
	r := chainRule{probability: 1}
	target, ports, random := "", "", false
	for i := 0; i < len(words); i++ {
		option := words[i]
		if option == "--random-fully" {
			random = true
			continue
		}
		i++
		if i == len(words) {
			return r, fmt.Errorf("option %s has no value", option)
		}
		value, err := words[i], error(nil)
		switch option {
		case "-A", "-m", "--comment", "--mode":
		case "-s":
			r.source, err = netip.ParsePrefix(value)
		case "-d":
			r.destination, err = netip.ParsePrefix(value)
		case "-p":
			r.protocol = value
		case "--probability":
			r.probability, err = strconv.ParseFloat(value, 64)
		case "-j":
			target = value
		case "--to-ports":
			ports = value
		default:
			err = fmt.Errorf("unknown option %s", option)
		}
		if err != nil {
			return r, err
		}
	}
	switch target {
	case "RETURN":
		r.outcome = kept
	case "MASQUERADE":
		r.outcome = masqueraded(ports, random)
	default:
		return r, fmt.Errorf("unknown target %q", target)
	}
	return r, nil
}

// words splits a line at spaces, except inside quotation marks.
func words(line string) []string {
	quoted := false
	return strings.FieldsFunc(line, func(c rune) bool {
		if c == '"' {
			quoted = !quoted
		}
		return c == ' ' && !quoted
	})
}

// outcomesOf returns the outcomes of a chain, and of the jump to it, for a
// packet.
func outcomesOf(chain []chainRule, p packet) outcomes {
	out := outcomes{}
	left := 1.0
	for _, r := range chain {
		if p.local || !r.matches(p) {
			continue
		}
		out.add(r.outcome, left*r.probability)
		left -= left * r.probability
	}
	out.add(kept, left)
	return out
}

func (r chainRule) matches(p packet) bool {
	return (!r.source.IsValid() || r.source.Contains(p.source)) &&
		(!r.destination.IsValid() || r.destination.Contains(p.destination)) &&
		(r.protocol == "" || r.protocol == p.protocol)
}

func (o outcomes) add(outcome string, probability float64) {
	if probability > 0 {
		o[outcome] += probability
	}
}

// rangesOf returns the CIDRs in the rules of a chain.
func rangesOf(chain []chainRule) (sources, destinations []netipx.IPRange) {
	for _, r := range chain {
		if r.source.IsValid() {
			sources = append(sources, netipx.RangeOfPrefix(r.source))
		}
		if r.destination.IsValid() {
			destinations = append(destinations, netipx.RangeOfPrefix(r.destination))
		}
	}
	return sources, destinations
}
