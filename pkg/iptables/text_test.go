// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/netfilter"
)

func TestFieldsOfALine(t *testing.T) {
	for line, want := range map[string][]string{
		"":                nil,
		"a  b ":           {"a", "b"},
		" a":              {"a"},
		`a "" b`:          {"a", "", "b"},
		`a ""`:            {"a", ""},
		`"a b"c d`:        {"a bc", "d"},
		`"a \" b \\ c" d`: {`a " b \ c`, "d"},
		`a\ b \"c d"`:     {`a\`, "b", `\c d`},
		"a \"b\nc\" d":    {"a", "b\nc", "d"},
	} {
		got, err := fields(line)
		if err != nil {
			t.Errorf("%q: %v", line, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	}
	for _, open := range []string{`"`, `a "b`, `"a\"`, `"a\`} {
		if got, err := fields(open); err == nil || got != nil {
			t.Errorf("%q: %q, %v", open, got, err)
		}
	}
}

func TestParsePorts(t *testing.T) {
	for text, want := range map[string]netfilter.PortRange{
		"1-65535": {From: 1, To: 65535}, "4000": {From: 4000, To: 4000}, "5-5": {From: 5, To: 5},
		"0": {}, "0-5": {}, "5-0": {}, "65536": {}, "1-65536": {}, "9-8": {}, "": {}, "-": {}, "1-": {}, "-1": {}, "x": {}, "1-2-3": {},
	} {
		got, err := ParsePortRange(text)
		if got != want || (err == nil) != (want != netfilter.PortRange{}) {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

func TestParsePortsNamesThePort(t *testing.T) {
	for text, want := range map[string]string{
		"x-9": `port "x" is not a number from 1 to 65535`, "9-x": `port "x" is not a number from 1 to 65535`, "9-8": `port range "9-8" is reversed: write 8-9`,
	} {
		if _, err := ParsePortRange(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestSpecOf has rules of POSTROUTING as -D takes them.
func TestSpecOf(t *testing.T) {
	for _, tt := range []struct {
		name string
		rule netfilter.Rule
		want string // "" if a restore input cannot name it
	}{
		{"no comment", netfilter.Rule{Text: "-A POSTROUTING -j X"}, "-j X"},
		{"a comment of one word", netfilter.Rule{Text: "-A POSTROUTING -m comment --comment a -j X", Comment: "a"}, `-m comment --comment "a" -j X`},
		{"an empty comment", netfilter.Rule{Text: `-A POSTROUTING -m comment --comment "" -j X`}, `-m comment --comment "" -j X`},
		{"a comment that is printed with escapes", netfilter.Rule{Text: `-A POSTROUTING -m comment --comment "a\x01 b" -j X`, Comment: "a\x01 b"}, "-m comment --comment \"a\x01 b\" -j X"},
		{"native", netfilter.Rule{Text: "-A POSTROUTING -j X", Native: true}, ""},
		{"a line break", netfilter.Rule{Text: `-A POSTROUTING -m comment --comment "a\nb" -j X`, Comment: "a\nb"}, ""},
		{"an open quote", netfilter.Rule{Text: `-A POSTROUTING -m comment --comment "a`}, ""},
		{"two comments", netfilter.Rule{Text: `-A POSTROUTING -m comment --comment a -m comment --comment b -j X`, Comment: "b"}, ""},
		{"an argument with a space", netfilter.Rule{Text: `-A POSTROUTING -m x --y "a b" -j X`}, `-m x --y "a b" -j X`},
		{"an argument with a quote", netfilter.Rule{Text: `-A POSTROUTING -m x --y "a\"b" -j X`}, `-m x --y "a\"b" -j X`},
	} {
		got, ok := specOf(tt.rule)
		if ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, ok, tt.want)
		}
	}
}

// TestPlanOfNativeJumps: a jump that iptables cannot name is left where it is.
func TestPlanOfNativeJumps(t *testing.T) {
	jump := parseRule(netfilter.IPv4, postrouting, "-m addrtype ! --dst-type LOCAL -j IP-MASQ")
	native := jump
	native.Native = true
	const remove = "-D POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ\n"
	for _, tt := range []struct {
		name  string
		rules []netfilter.Rule
		want  []string
	}{
		{"native alone", []netfilter.Rule{native}, nil},
		{"two native", []netfilter.Rule{native, native}, nil},
		{"native after the agent's", []netfilter.Rule{jump, native}, nil},
		{"native before the agent's", []netfilter.Rule{native, jump}, []string{remove}},
		{"the agent's among native", []netfilter.Rule{native, jump, native, jump}, []string{remove, remove}},
	} {
		got := jumpLines(netfilter.IPv4, &netfilter.Chain{Name: postrouting, Rules: tt.rules}, page())
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestPlanEntries counts what a plan adds to the table of iptables-legacy.
func TestPlanEntries(t *testing.T) {
	for _, tt := range []struct {
		name string
		have string
		want int
	}{
		{"nothing there", "", 5},
		{"all there", pageRules + pageJump, 0},
		{"a flushed chain", "-N IP-MASQ\n" + pageJump, 2},
		{"a rule more", pageRules + "-A IP-MASQ -j RETURN\n" + pageJump, -1},
		{"no jump", pageRules, 1},
		{"two jumps", pageRules + otherJump + pageJump, -1},
		{"twins", pageRules + pageJump + pageJump, -1},
	} {
		have := state{chain: parseChain("IP-MASQ", tt.have), postrouting: parseChain(postrouting, tt.have)}
		if got := newPlan(netfilter.IPv4, have, page()).entries(have, page()); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
