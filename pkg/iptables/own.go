// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
	"slices"

	"ip-masq-agent/pkg/netfilter"
)

// RuleOf returns a rule of the kernel as a Rule, regardless of the program that wrote
// it. It returns false if a Rule cannot represent it.
func RuleOf(f netfilter.Family, r netfilter.Rule) (Rule, bool) {
	out := Rule{Comment: r.Comment}
	for _, step := range r.Steps {
		ok := false
		switch step := step.(type) {
		case netfilter.Condition:
			ok = out.restrict(f, step)
		case netfilter.Verdict:
			ok = out.target(step)
		}
		if !ok {
			return Rule{}, false
		}
	}
	return out, true
}

// restrict adds a condition to the rule. It returns false if a Rule cannot represent
// it, or already has a condition of that kind.
func (r *Rule) restrict(f netfilter.Family, c netfilter.Condition) bool {
	if !c.Understood() || len(c.Key) != 1 || r.Target != "" {
		return false
	}
	key := c.Key[0]
	switch {
	case key.Field == netfilter.DestinationType:
		if r.NotLocal || !c.Negated || !is(c, netfilter.Number(netfilter.TypeLocal)) {
			return false
		}
		r.NotLocal = true
	case key.Field == netfilter.Random:
		p, ok := probabilityOf(c)
		if !ok || r.Probability != 0 {
			return false
		}
		r.Probability = p
	case isProtocol(f, key):
		name, ok := protocolOf(c)
		if !ok || r.Protocol != "" {
			return false
		}
		r.Protocol = name
	case len(c.Sources(f)) > 0:
		p, ok := prefixOf(c, c.Sources(f))
		if !ok || r.Source.IsValid() {
			return false
		}
		r.Source = p
	default:
		p, ok := prefixOf(c, c.Destinations(f))
		if !ok || r.Destination.IsValid() {
			return false
		}
		r.Destination = p
	}
	return true
}

// target adds a verdict to the rule. It returns false if a Rule cannot represent it.
func (r *Rule) target(v netfilter.Verdict) bool {
	if v.Options != "" || r.Target != "" {
		return false
	}
	switch v.Action {
	case netfilter.Return:
		r.Target = Return
	case netfilter.Masquerade:
		r.Target, r.RandomFully, r.ToPorts = Masquerade, v.RandomFully, v.Ports
	case netfilter.Jump:
		r.Target = v.Chain
	default:
		return false
	}
	return true
}

// is reports whether the condition compares its key, unmasked, with one value.
func is(c netfilter.Condition, value []byte) bool {
	return c.Key[0].Mask == nil && c.Key[0].Xor == nil && len(c.Elements) == 1 && len(c.Elements[0].Key) == 1 &&
		bytes.Equal(c.Elements[0].Key[0].From, value) && bytes.Equal(c.Elements[0].Key[0].To, value)
}

// isProtocol reports whether an operand is the transport protocol. iptables 1.8.11
// loads it from the IPv4 header.
func isProtocol(f netfilter.Family, o netfilter.Operand) bool {
	return o.Field == netfilter.L4Proto || o.Field == netfilter.NetworkHeader && f == netfilter.IPv4 && o.Offset == 9
}

func protocolOf(c netfilter.Condition) (string, bool) {
	for _, name := range []string{"tcp", "udp", "sctp"} {
		if is(c, []byte{protocols()[name]}) {
			return name, !c.Negated
		}
	}
	return "", false
}

func probabilityOf(c netfilter.Condition) (float64, bool) {
	key := c.Key[0]
	if c.Negated || key.Low != 0 || key.High != 1<<randomBits-1 || len(c.Elements) != 1 {
		return 0, false
	}
	r := c.Elements[0].Key[0]
	if len(r.To) != 4 || !bytes.Equal(r.From, netfilter.Number(0)) {
		return 0, false
	}
	return float64(uint64(binary.BigEndian.Uint32(r.To))+1) / (1 << randomBits), true
}

// prefixOf returns the prefix that a condition on one address requires. ranges are
// those of the condition.
func prefixOf(c netfilter.Condition, ranges []netfilter.AddressRange) (netip.Prefix, bool) {
	if c.Negated || len(ranges) != 1 || len(c.Elements) != 1 {
		return netip.Prefix{}, false
	}
	return ranges[0].Prefix()
}

// Equal reports whether the kernel would hold the same rule for both.
func (r Rule) Equal(o Rule) bool { return r.canonical() == o.canonical() }

// canonical returns the rule in the form of the kernel: a prefix of length 0 is no
// match, and a probability is a fraction of 2^31.
func (r Rule) canonical() Rule {
	r.Source, r.Destination = canonicalPrefix(r.Source), canonicalPrefix(r.Destination)
	r.Probability = math.Round(r.Probability * (1 << randomBits))
	return r
}

// canonicalPrefix returns a prefix without host bits. One of length 0 becomes the zero
// Prefix, which is no match.
func canonicalPrefix(p netip.Prefix) netip.Prefix {
	if p.Bits() == 0 {
		return netip.Prefix{}
	}
	return p.Masked()
}

// ChainRules returns the rules of a chain as Rules. It returns false if a Rule cannot
// represent one of them, or if iptables cannot list it.
func ChainRules(f netfilter.Family, c *netfilter.Chain) ([]Rule, bool) {
	if c == nil {
		return nil, false
	}
	var rules []Rule
	for _, r := range c.Rules {
		rule, ok := RuleOf(f, r)
		if !ok || r.Native {
			return nil, false
		}
		rules = append(rules, rule)
	}
	return rules, true
}

// IsJump reports whether a rule has the effect of the chain's own jump: it jumps to
// the chain, and its only condition is that the destination is not LOCAL. The comment
// and the program that wrote the rule do not matter.
func (c Chain) IsJump(f netfilter.Family, r netfilter.Rule) bool {
	rule, ok := RuleOf(f, r)
	rule.Comment = c.Jump.Comment
	return ok && rule.Equal(c.Jump)
}

// rulesTo returns the rules of a chain that jump or go to a target chain, with any
// conditions. There are none if the chain is nil.
func rulesTo(c *netfilter.Chain, target string) []netfilter.Rule {
	if c == nil {
		return nil
	}
	goes := func(s netfilter.Step) bool {
		v, ok := s.(netfilter.Verdict)
		return ok && v.Chain == target
	}
	var out []netfilter.Rule
	for _, r := range c.Rules {
		if slices.ContainsFunc(r.Steps, goes) {
			out = append(out, r)
		}
	}
	return out
}
