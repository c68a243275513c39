// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"slices"
	"strings"
)

const (
	natTable    = "nat"
	postrouting = "POSTROUTING"
)

// state is what one read of the kernel found of ours.
type state struct {
	chain       Listing // ours
	postrouting Listing
}

// plan is what one commit has to do to get from a state to a chain.
type plan struct {
	chain bool     // write the chain
	jump  []string // lines for POSTROUTING
}

// newPlan compares what is there with what is wanted, by meaning.
func newPlan(have state, want Chain) plan {
	rules, ours := have.chain.Rules()
	same := ours && slices.EqualFunc(rules, want.Rules, Rule.Equal)
	return plan{chain: !same, jump: jumpLines(have.postrouting.Entries, want)}
}

func (p plan) empty() bool { return !p.chain && len(p.jump) == 0 }

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

// jumpLines returns what makes exactly one rule of POSTROUTING jump to the
// wanted chain: nothing if there is one, whatever its comment; of several the
// first stays.
func jumpLines(have []Entry, want Chain) []string {
	var jumps []int // their places, from 0
	for i, e := range have {
		if want.Reaches(e) {
			jumps = append(jumps, i)
		}
	}
	if len(jumps) == 0 {
		return []string{want.jump()}
	}
	first := have[jumps[0]].Spec
	var lines []string
	twins := 0
	for _, i := range jumps[1:] {
		if strings.Contains(have[i].Spec, "\n") {
			continue // a restore input has no word for it; a second jump does no harm
		}
		if have[i].Spec == first {
			twins++
			continue
		}
		lines = append(lines, deleteLine(have[i].Spec))
	}
	if twins == 0 {
		return lines
	}
	// -D takes the first rule that matches, so rules alike to the letter all
	// go, and one comes back in the first one's place. A -D by number would be
	// shorter, and would take somebody else's rule if one came in meanwhile.
	for range twins + 1 {
		lines = append(lines, deleteLine(first))
	}
	return append(lines, fmt.Sprintf("-I %s %d %s\n", postrouting, jumps[0]+1, first))
}

func deleteLine(spec string) string { return fmt.Sprintf("-D %s %s\n", postrouting, spec) }
