// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/netfilter"
)

// page is the chain of a small configuration, as literal as its text below.
func page() Chain {
	return Chain{
		Name: "IP-MASQ",
		Rules: []Rule{
			{Comment: "local", Destination: netip.MustParsePrefix("10.0.0.0/8"), Target: Return},
			{Comment: "last", Target: Masquerade, RandomFully: true},
		},
		Jump: Rule{Comment: "jump", NotLocal: true, Target: "IP-MASQ"},
	}
}

const (
	pageRules = `-A IP-MASQ -d 10.0.0.0/8 -m comment --comment local -j RETURN
-A IP-MASQ -m comment --comment last -j MASQUERADE --random-fully
`
	pageJump  = "-A POSTROUTING -m comment --comment jump -m addrtype ! --dst-type LOCAL -j IP-MASQ\n"
	otherJump = "-A POSTROUTING -m comment --comment other -m addrtype ! --dst-type LOCAL -j IP-MASQ\n"
	foreign   = "-A POSTROUTING -m comment --comment kubernetes -j KUBE-POSTROUTING\n"

	writeChain = `:IP-MASQ - [0:0]
-A IP-MASQ -m comment --comment "local" -d 10.0.0.0/8 -j RETURN
-A IP-MASQ -m comment --comment "last" -j MASQUERADE --random-fully
`
	writeJump = `-A POSTROUTING -m comment --comment "jump" -m addrtype ! --dst-type LOCAL -j IP-MASQ
`
)

func TestPlan(t *testing.T) {
	const (
		pageSpec  = "-m comment --comment \"jump\" -m addrtype ! --dst-type LOCAL -j IP-MASQ\n"
		otherSpec = "-m comment --comment \"other\" -m addrtype ! --dst-type LOCAL -j IP-MASQ\n"
	)
	tests := []struct {
		name string
		have string // as iptables -S prints it
		want string // between *nat and COMMIT
	}{
		{name: "as wanted", have: pageRules + foreign + pageJump},
		{name: "nothing there", want: writeChain + writeJump},
		{name: "jump missing", have: pageRules + foreign, want: writeJump},
		{name: "chain flushed", have: pageJump, want: writeChain},
		{name: "rule more", have: pageRules + "-A IP-MASQ -j RETURN\n" + pageJump, want: writeChain},
		{name: "rules swapped", have: "-A IP-MASQ -m comment --comment last -j MASQUERADE --random-fully\n" +
			"-A IP-MASQ -d 10.0.0.0/8 -m comment --comment local -j RETURN\n" + pageJump, want: writeChain},
		{name: "jump with another comment", have: pageRules + otherJump},
		{name: "jump without a comment", have: pageRules + "-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ\n"},
		{name: "jump with a comment in quotes", have: pageRules + `-A POSTROUTING -m comment --comment "\"ip-masq-agent: ensure\"" -m addrtype ! --dst-type LOCAL -j IP-MASQ` + "\n"},
		{name: "jump with one more condition", have: pageRules + "-A POSTROUTING -o eth0 -m addrtype ! --dst-type LOCAL -j IP-MASQ\n", want: writeJump},
		{name: "jump by goto", have: pageRules + "-A POSTROUTING -m addrtype ! --dst-type LOCAL -g IP-MASQ\n", want: writeJump},
		{name: "jump for local destinations", have: pageRules + "-A POSTROUTING -m addrtype --dst-type LOCAL -j IP-MASQ\n", want: writeJump},
		{name: "jump without condition", have: pageRules + "-A POSTROUTING -j IP-MASQ\n", want: writeJump},
		{name: "jump elsewhere", have: pageRules + "-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ-AGENT\n", want: writeJump},
		{name: "two jumps, first stays", have: pageRules + otherJump + foreign + pageJump, want: "-D POSTROUTING " + pageSpec},
		{name: "twins, in the first one's place", have: pageRules + foreign + pageJump + foreign + pageJump,
			want: "-D POSTROUTING " + pageSpec + "-D POSTROUTING " + pageSpec + "-I POSTROUTING 2 " + pageSpec},
		{name: "twins and another", have: pageRules + pageJump + otherJump + pageJump,
			want: "-D POSTROUTING " + otherSpec + "-D POSTROUTING " + pageSpec + "-D POSTROUTING " + pageSpec + "-I POSTROUTING 1 " + pageSpec},
		{name: "jump with a probability of 0", have: pageRules + "-A POSTROUTING -m addrtype ! --dst-type LOCAL -m statistic --mode random --probability 0.00000000000 -j IP-MASQ\n", want: writeJump},
		{name: "jump with a probability of 1", have: pageRules + "-A POSTROUTING -m addrtype ! --dst-type LOCAL -m statistic --mode random --probability 1.00000000000 -j IP-MASQ\n", want: writeJump},
		{name: "chain and jump in one commit", have: "-A IP-MASQ -j RETURN\n", want: writeChain + writeJump},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have := state{chain: parseChain("IP-MASQ", tt.have), postrouting: parseChain(postrouting, tt.have)}
			p := newPlan(netfilter.IPv4, have, page())
			if p.empty() != (tt.want == "") {
				t.Errorf("empty() = %v", p.empty())
			}
			if diff := cmp.Diff("*nat\n"+tt.want+"COMMIT\n", p.input(page())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestChainString(t *testing.T) {
	if diff := cmp.Diff("*nat\n"+writeChain+writeJump+"COMMIT\n", page().String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWithoutRandomFully(t *testing.T) {
	c := page()
	if got := c.WithoutRandomFully(); got.Rules[1].RandomFully {
		t.Error("the rule still says --random-fully")
	}
	if !c.Rules[1].RandomFully {
		t.Error("the chain it was made from changed")
	}
}

type stringError string

func (e stringError) Error() string { return string(e) }

// parseChain parses a chain from what iptables -S prints, nil if no line is of it.
func parseChain(name, text string) *netfilter.Chain {
	var c *netfilter.Chain
	for _, line := range strings.Split(text, "\n") {
		spec, isRule := strings.CutPrefix(line, "-A "+name+" ")
		if c == nil && (isRule || line == "-N "+name) {
			c = &netfilter.Chain{Name: name}
		}
		if isRule {
			c.Rules = append(c.Rules, parseRule(netfilter.IPv4, name, spec))
		}
	}
	return c
}
