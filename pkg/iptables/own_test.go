// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/netfilter"
)

// TestRuleOf reads rules as any program may have written them. One that says
// more than a Rule can is no Rule.
func TestRuleOf(t *testing.T) {
	header := func(offset int) netfilter.Operand {
		return netfilter.Operand{Field: netfilter.NetworkHeader, Offset: offset}
	}
	notLocal := not(in("", netfilter.Operand{Field: netfilter.DestinationType}, netfilter.Number(2), netfilter.Number(2)))
	ten := in("", header(16), []byte{10, 0, 0, 0}, []byte{10, 255, 255, 255})
	source := in("", header(12), []byte{10, 0, 0, 0}, []byte{10, 255, 255, 255})
	tcp := in("", netfilter.Operand{Field: netfilter.L4Proto}, []byte{6}, []byte{6})
	random := netfilter.Operand{Field: netfilter.Random, High: 0x7fffffff}
	half := in("", random, netfilter.Number(0), netfilter.Number(0x3fffffff))
	change := func(c netfilter.Condition, f func(*netfilter.Condition)) netfilter.Condition {
		c.Key = []netfilter.Operand{c.Key[0]}
		f(&c)
		return c
	}
	operand := func(c netfilter.Condition, f func(*netfilter.Operand)) netfilter.Condition {
		return change(c, func(c *netfilter.Condition) { f(&c.Key[0]) })
	}
	twoElements := func(c netfilter.Condition) netfilter.Condition {
		return change(c, func(c *netfilter.Condition) {
			c.Elements = append([]netfilter.Element{{Key: []netfilter.Range{{From: []byte{9}, To: []byte{9}}}}}, c.Elements...)
		})
	}
	uncertain := change(ten, func(c *netfilter.Condition) { c.Uncertain = true })
	twoKeys := change(ten, func(c *netfilter.Condition) {
		c.Key = append(c.Key, netfilter.Operand{Field: netfilter.Mark, Length: 4})
		c.Elements = []netfilter.Element{{Key: append(c.Elements[0].Key, netfilter.Range{From: netfilter.Number(0), To: netfilter.Number(9)})}}
	})
	returns := netfilter.Verdict{Action: netfilter.Return}
	tests := []struct {
		name  string
		steps []netfilter.Step
		want  Rule // the zero Rule is none
	}{
		{"a kept range", []netfilter.Step{ten, returns}, Rule{Destination: netip.MustParsePrefix("10.0.0.0/8"), Target: Return}},
		{"masquerade", []netfilter.Step{netfilter.Verdict{Action: netfilter.Masquerade, RandomFully: true, Ports: netfilter.PortRange{From: 1, To: 2}}},
			Rule{Target: Masquerade, RandomFully: true, ToPorts: netfilter.PortRange{From: 1, To: 2}}},
		{"the jump", []netfilter.Step{notLocal, netfilter.Verdict{Action: netfilter.Jump, Chain: "X"}}, Rule{NotLocal: true, Target: "X"}},
		{"a source", []netfilter.Step{source, returns}, Rule{Source: netip.MustParsePrefix("10.0.0.0/8"), Target: Return}},
		{"a source and a destination", []netfilter.Step{source, ten, returns}, Rule{Source: netip.MustParsePrefix("10.0.0.0/8"), Destination: netip.MustParsePrefix("10.0.0.0/8"), Target: Return}},
		{"a protocol", []netfilter.Step{tcp, returns}, Rule{Protocol: "tcp", Target: Return}},
		{"a protocol of the header", []netfilter.Step{in("", header(9), []byte{132}, []byte{132}), returns}, Rule{Protocol: "sctp", Target: Return}},
		{"a probability", []netfilter.Step{half, returns}, Rule{Probability: 0.5, Target: Return}},

		{"another verdict", []netfilter.Step{netfilter.Verdict{Action: netfilter.Accept}}, Rule{}},
		{"an option", []netfilter.Step{netfilter.Verdict{Action: netfilter.Masquerade, Options: "persistent"}}, Rule{}},
		{"two verdicts", []netfilter.Step{returns, returns}, Rule{}},
		{"a condition behind the verdict", []netfilter.Step{returns, tcp}, Rule{}},
		{"another step", []netfilter.Step{netfilter.SetMark{}, returns}, Rule{}},
		{"not understood", []netfilter.Step{netfilter.NotUnderstood("x"), returns}, Rule{}},
		{"uncertain", []netfilter.Step{uncertain, returns}, Rule{}},
		{"two keys", []netfilter.Step{twoKeys, returns}, Rule{}},
		{"two protocols", []netfilter.Step{tcp, in("", netfilter.Operand{Field: netfilter.L4Proto}, []byte{17}, []byte{17}), returns}, Rule{}},
		{"a protocol and another", []netfilter.Step{tcp, in("", netfilter.Operand{Field: netfilter.L4Proto}, []byte{1}, []byte{1}), returns}, Rule{}},
		{"two probabilities", []netfilter.Step{half, in("", random, netfilter.Number(0), netfilter.Number(9)), returns}, Rule{}},
		{"a probability and the rest", []netfilter.Step{half, not(half), returns}, Rule{}},
		{"two destinations, one in the other", []netfilter.Step{in("", header(16), []byte{10, 1, 0, 0}, []byte{10, 1, 255, 255}), ten, returns}, Rule{}},
		{"a destination and not that", []netfilter.Step{ten, not(ten), returns}, Rule{}},
		{"twice not local", []netfilter.Step{notLocal, notLocal, returns}, Rule{}},
		{"twice the same", []netfilter.Step{tcp, tcp, returns}, Rule{}},
		{"local", []netfilter.Step{in("", netfilter.Operand{Field: netfilter.DestinationType}, netfilter.Number(2), netfilter.Number(2)), returns}, Rule{}},
		{"not unicast", []netfilter.Step{not(in("", netfilter.Operand{Field: netfilter.DestinationType}, netfilter.Number(1), netfilter.Number(1))), returns}, Rule{}},
		{"not local to broadcast", []netfilter.Step{not(in("", netfilter.Operand{Field: netfilter.DestinationType}, netfilter.Number(2), netfilter.Number(3))), returns}, Rule{}},
		{"not unicast to local", []netfilter.Step{not(in("", netfilter.Operand{Field: netfilter.DestinationType}, netfilter.Number(1), netfilter.Number(2))), returns}, Rule{}},
		{"neither local nor another", []netfilter.Step{change(notLocal, func(c *netfilter.Condition) { c.Elements = append(c.Elements, c.Elements...) }), returns}, Rule{}},
		{"a masked type", []netfilter.Step{operand(notLocal, func(o *netfilter.Operand) { o.Mask = netfilter.Number(3) }), returns}, Rule{}},
		{"a type with xor", []netfilter.Step{operand(notLocal, func(o *netfilter.Operand) { o.Xor = netfilter.Number(3) }), returns}, Rule{}},
		{"an element of two parts", []netfilter.Step{change(notLocal, func(c *netfilter.Condition) {
			c.Elements = []netfilter.Element{{Key: append(c.Elements[0].Key, netfilter.Range{})}}
		}), returns}, Rule{}},
		{"not a protocol", []netfilter.Step{not(tcp), returns}, Rule{}},
		{"another protocol", []netfilter.Step{in("", netfilter.Operand{Field: netfilter.L4Proto}, []byte{1}, []byte{1}), returns}, Rule{}},
		{"part of the header", []netfilter.Step{in("", header(8), []byte{6}, []byte{6}), returns}, Rule{}},
		{"the protocol and the checksum", []netfilter.Step{in("", header(9), []byte{6, 0}, []byte{6, 0}), returns}, Rule{}},
		{"the mark, at the protocol's place", []netfilter.Step{in("", netfilter.Operand{Field: netfilter.Mark, Offset: 9}, []byte{6}, []byte{6}), returns}, Rule{}},
		{"not at random", []netfilter.Step{not(half), returns}, Rule{}},
		{"random from 1", []netfilter.Step{operand(half, func(o *netfilter.Operand) { o.Low = 1 }), returns}, Rule{}},
		{"random to less", []netfilter.Step{operand(half, func(o *netfilter.Operand) { o.High = 9 }), returns}, Rule{}},
		{"random, the upper half", []netfilter.Step{in("", random, netfilter.Number(1), netfilter.Number(0x3fffffff)), returns}, Rule{}},
		{"random, two ranges", []netfilter.Step{twoElements(half), returns}, Rule{}},
		{"random, of one byte", []netfilter.Step{in("", random, []byte{0}, []byte{1}), returns}, Rule{}},
		{"random, a longer end", []netfilter.Step{in("", random, netfilter.Number(0), []byte{0, 0, 0, 1, 0}), returns}, Rule{}},
		{"not a destination", []netfilter.Step{not(ten), returns}, Rule{}},
		{"two destinations", []netfilter.Step{change(ten, func(c *netfilter.Condition) { c.Elements = append(c.Elements, c.Elements...) }), returns}, Rule{}},
		{"a destination and what is none", []netfilter.Step{twoElements(ten), returns}, Rule{}},
		{"a range that is no prefix", []netfilter.Step{in("", header(16), []byte{10, 0, 0, 0}, []byte{10, 0, 0, 2}), returns}, Rule{}},
		{"not a source", []netfilter.Step{not(source), returns}, Rule{}},
		{"two sources, one in the other", []netfilter.Step{in("", header(12), []byte{10, 1, 0, 0}, []byte{10, 1, 255, 255}), source, returns}, Rule{}},
		{"a source that is no prefix", []netfilter.Step{in("", header(12), []byte{10, 0, 0, 0}, []byte{10, 0, 0, 2}), returns}, Rule{}},
		{"two ranges of sources", []netfilter.Step{change(source, func(c *netfilter.Condition) { c.Elements = append(c.Elements, c.Elements...) }), returns}, Rule{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := RuleOf(netfilter.IPv4, netfilter.Rule{Steps: tt.steps})
			if ok != (tt.want != Rule{}) {
				t.Errorf("ok is %v", ok)
			}
			if diff := cmp.Diff(tt.want, got, comparePrefix); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if got, ok := RuleOf(netfilter.IPv6, netfilter.Rule{Steps: []netfilter.Step{in("", header(9), []byte{6}, []byte{6}), returns}}); ok {
		t.Errorf("byte 9 of an IPv6 header, which is of the source: %s", got)
	}
}

// TestRuleOfChain: a chain is the agent's if the agent writes each of its rules.
func TestRuleOfChain(t *testing.T) {
	returns := netfilter.Rule{Steps: []netfilter.Step{netfilter.Verdict{Action: netfilter.Return}}}
	native, accepts := returns, returns
	native.Native = true
	accepts.Steps = []netfilter.Step{netfilter.Verdict{Action: netfilter.Accept}}
	for _, tt := range []struct {
		name  string
		chain *netfilter.Chain
		want  []Rule
		ok    bool
	}{
		{"no chain", nil, nil, false},
		{"an empty chain", &netfilter.Chain{}, nil, true},
		{"a rule", &netfilter.Chain{Rules: []netfilter.Rule{returns}}, []Rule{{Target: Return}}, true},
		{"a native rule", &netfilter.Chain{Rules: []netfilter.Rule{returns, native}}, nil, false},
		{"a rule that says more", &netfilter.Chain{Rules: []netfilter.Rule{returns, accepts}}, nil, false},
	} {
		got, ok := ChainRules(netfilter.IPv4, tt.chain)
		if ok != tt.ok {
			t.Errorf("%s: ok is %v", tt.name, ok)
		}
		if diff := cmp.Diff(tt.want, got, comparePrefix); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestRuleMatches(t *testing.T) {
	in, out := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("11.1.2.3")
	ten := netip.MustParsePrefix("10.0.0.0/8")
	for _, tt := range []struct {
		rule                Rule
		source, destination netip.Addr
		want                bool
	}{
		{Rule{}, in, out, true},
		{Rule{}, netip.Addr{}, out, true},
		{Rule{Destination: ten}, out, in, true},
		{Rule{Destination: ten}, in, out, false},
		{Rule{Source: ten}, in, out, true},
		{Rule{Source: ten}, out, in, false},
		{Rule{Source: ten}, netip.Addr{}, in, false},
		{Rule{Source: ten, Destination: ten}, in, in, true},
		{Rule{Source: ten, Destination: ten}, in, out, false},
		{Rule{Source: ten, Destination: ten}, out, in, false},
	} {
		if got := tt.rule.Matches(tt.source, tt.destination); got != tt.want {
			t.Errorf("%s from %s to %s: %v", tt.rule, tt.source, tt.destination, got)
		}
	}
}

func TestRuleAction(t *testing.T) {
	for target, want := range map[string]netfilter.Action{Return: netfilter.Return, Masquerade: netfilter.Masquerade, "X": netfilter.Jump} {
		if got := (Rule{Target: target}).action(); got != want {
			t.Errorf("%s: %d, want %d", target, got, want)
		}
	}
}
