// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain

import (
	"fmt"
	"io"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// Write prints answers for people.
func Write(w io.Writer, answers []Answer) error {
	var b strings.Builder
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(&b, "  %-8s %s\n", label, text)
		}
	}
	for _, a := range answers {
		b.WriteString(a.Destination)
		if a.Source != "" {
			b.WriteString(" from " + a.Source)
		}
		fmt.Fprintf(&b, ": %s\n", a.words())
		line("because", fmt.Sprintf("%s (%s)", a.Why, a.From))
		line("rule", a.Rule)
		line("in", a.Place)
		line("line", a.Line)
		for _, p := range a.Possible {
			rule := p.Rule
			if rule == "" {
				rule = "no rule"
			}
			line("perhaps", fmt.Sprintf("%s: %s", strings.TrimSpace(string(p.Verdict)+" "+p.To), rule))
			line("in", p.Place)
			line("if", strings.Join(p.Conditions, "; "))
		}
		for _, f := range a.First {
			line("first", f+" may decide before any rule does")
		}
		if a.Assumed != "" {
			line("note", fmt.Sprintf("assumes a pod of %s, the first range of sourceCIDRs; --source names another source", a.Assumed))
		}
		if a.Route == "none" {
			line("note", "this node has no route to it")
		}
		if a.Overridden != "" {
			line("note", overridden(a.Overridden))
		}
		if a.File == nil {
			continue
		}
		if a.Differs {
			line("DIFFERS", fmt.Sprintf("by the %s it %s, as %s", a.File.From, a.File.words(), a.File.Why))
			line("rule", a.File.Rule)
			line("line", a.File.Line)
		}
		if a.File.Overridden != "" {
			line("note", overridden(a.File.Overridden))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func overridden(p string) string { return fmt.Sprintf("the default %s is overridden by this file", p) }

func (a Answer) words() string {
	switch a.Verdict {
	case netfilter.Kept:
		if a.notPod {
			return "keeps its source address"
		}
		return "keeps the pod's address"
	case netfilter.Masqueraded:
		return "leaves with the node's address"
	case netfilter.Translated:
		return "leaves with the address " + a.To
	case netfilter.Dropped:
		return "is dropped"
	}
	return "cannot be told"
}
