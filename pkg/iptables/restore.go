// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"slices"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// plan is what one commit has to do to get from a state to a chain.
type plan struct {
	chain bool     // write the chain
	jump  []string // lines for POSTROUTING
}

// newPlan compares what the kernel has with what is wanted, by meaning.
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

// input is the plan as one commit of iptables-restore --noflush.
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

// foundJump is a jump to our chain that is in POSTROUTING.
type foundJump struct {
	position  int // from 1
	spec      string
	removable bool // iptables can name it in a restore input
}

// jumpLines returns what makes exactly one rule of POSTROUTING jump to the
// wanted chain: nothing if there is one, whatever its comment and whichever
// program wrote it. Of several the first stays. One that iptables cannot name
// stays too: a second jump changes nothing.
func jumpLines(f netfilter.Family, have *netfilter.Chain, want Chain) []string {
	jumps := findJumps(f, have, want)
	if len(jumps) == 0 {
		return []string{want.jump()}
	}
	first := jumps[0]
	var lines []string
	twins := 0 // rules that are the first one's equal to the letter
	for _, j := range jumps[1:] {
		switch {
		case !j.removable:
		case first.removable && j.spec == first.spec:
			twins++
		default:
			lines = append(lines, deleteLine(j.spec))
		}
	}
	if twins == 0 {
		return lines
	}
	// -D removes the first rule that matches. So all twins are removed, and one
	// is inserted where the first one was. A -D by number would be shorter, and
	// would remove another program's rule if one was added meanwhile.
	for range twins + 1 {
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

// specOf returns a rule of POSTROUTING as -D takes it. -D compares the matches
// in their order, an empty comment included, and one -D that finds no rule fails
// the whole commit. So the spec is the kernel's text, with the comment as the
// kernel has it. It returns false for a rule that a restore input, which is read
// by line, cannot name, and for one with several comments, of which only the last
// is known.
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
