// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"slices"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// plan is what one commit has to write to get from a state to the desired chain.
type plan struct {
	chain bool     // write the chain
	jump  []string // lines for POSTROUTING
}

// newPlan compares the rules in the kernel with the desired chain by their meaning.
func newPlan(f netfilter.Family, have state, want Chain) plan {
	rules, ok := ChainRules(f, have.chain)
	return plan{
		chain: !ok || !slices.EqualFunc(rules, want.Rules, Rule.Equal),
		jump:  jumpLines(f, have.postrouting, want),
	}
}

func (p plan) empty() bool { return !p.chain && len(p.jump) == 0 }

// entries is how many entries more the table of iptables-legacy has afterwards. A
// chain has two besides its rules: its name and its end.
func (p plan) entries(have state, want Chain) int {
	n := 0
	if p.chain {
		n += len(want.Rules)
		if have.chain == nil {
			n += 2
		} else {
			n -= len(have.chain.Rules)
		}
	}
	for _, line := range p.jump {
		if strings.HasPrefix(line, "-D") {
			n--
		} else {
			n++
		}
	}
	return n
}

// input returns the input of iptables-restore --noflush for the plan, one commit.
func (p plan) input(want Chain) string {
	var b strings.Builder
	b.WriteString("*nat\n")
	if p.chain {
		b.WriteString(want.declaration())
	}
	for _, line := range p.jump {
		b.WriteString(line)
	}
	b.WriteString("COMMIT\n")
	return b.String()
}

// foundJump is a rule of POSTROUTING that jumps to the chain.
type foundJump struct {
	position  int // from 1
	spec      string
	removable bool // a line of restore input can delete it
}

// jumpLines returns the lines after which exactly one rule of POSTROUTING jumps to
// the chain. There are none if there is one jump, with any comment and of any
// program. Of several jumps the first stays. A jump that no line can delete stays
// too, because a second jump has no effect.
func jumpLines(f netfilter.Family, have *netfilter.Chain, want Chain) []string {
	jumps := findJumps(f, have, want)
	if len(jumps) == 0 {
		return []string{want.jump()}
	}
	first := jumps[0]
	var lines []string
	duplicates := 0 // rules that are literally equal to the first
	for _, j := range jumps[1:] {
		switch {
		case !j.removable:
		case first.removable && j.spec == first.spec:
			duplicates++
		default:
			lines = append(lines, deleteLine(j.spec))
		}
	}
	if duplicates == 0 {
		return lines
	}
	// -D deletes the first rule that matches. Therefore the rule and all of its
	// duplicates are deleted, and one is inserted at the position of the first. A
	// -D with a number would be shorter, but would delete another program's rule
	// if one was added in the meantime.
	for range duplicates + 1 {
		lines = append(lines, deleteLine(first.spec))
	}
	return append(lines, fmt.Sprintf("-I %s %d %s\n", postrouting, first.position, first.spec))
}

func findJumps(f netfilter.Family, have *netfilter.Chain, want Chain) []foundJump {
	if have == nil {
		return nil
	}
	var out []foundJump
	for i, r := range have.Rules {
		if !want.IsJump(f, r) {
			continue
		}
		spec, nameable := specOf(r)
		out = append(out, foundJump{position: i + 1, spec: spec, removable: nameable})
	}
	return out
}

// specOf returns a rule of POSTROUTING in the form that -D takes. -D compares the
// matches in their order, including an empty comment, and a -D that finds no rule
// fails the whole commit. Therefore the spec is the text of the rule in the kernel
// with the comment in the kernel. specOf returns false for a rule that a line of
// restore input cannot name, and for a rule with several comments, of which only
// the last is known.
func specOf(r netfilter.Rule) (spec string, ok bool) {
	words, err := fields(strings.TrimPrefix(r.Text, "-A "+postrouting+" "))
	if err != nil || r.Native || strings.Contains(r.Comment, "\n") {
		return "", false
	}
	comments := 0
	for i, word := range words {
		if i > 0 && words[i-1] == "--comment" {
			words[i] = quote(r.Comment) // the text has escapes in it
			comments++
		} else if strings.ContainsAny(word, " \"\\") {
			words[i] = quote(word)
		}
	}
	return strings.Join(words, " "), comments <= 1
}

func deleteLine(spec string) string { return fmt.Sprintf("-D %s %s\n", postrouting, spec) }
