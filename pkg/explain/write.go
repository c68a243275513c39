// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain

import (
	"fmt"
	"io"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// Write prints answers as text.
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
		fmt.Fprintf(&b, ": %s\n", a.outcome())
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
			line("note", f+" may decide before any rule does")
		}
		if a.Assumed != "" {
			line("note", fmt.Sprintf("assumes a pod of %s, the first CIDR of sourceCIDRs; --source names another source", a.Assumed))
		}
		if a.Route == "none" {
			line("note", "this node has no route to it")
		}
		line("note", a.overridden())
		if a.File == nil {
			continue
		}
		if a.Differs {
			line("DIFFERS", fmt.Sprintf("by the %s it %s, because %s", a.File.From, a.File.outcome(), a.File.Why))
			line("rule", a.File.Rule)
			line("in", a.File.Place)
			line("line", a.File.Line)
		}
		line("note", a.File.overridden())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (a Answer) overridden() string {
	if a.Overridden == "" {
		return ""
	}
	return fmt.Sprintf("the file overrides the default %s", a.Overridden)
}

// outcome says what happens to the source address.
func (a Answer) outcome() string {
	switch a.Verdict {
	case netfilter.Kept:
		if a.notPod {
			return "keeps its source address (not masqueraded)"
		}
		return "keeps the pod's address (not masqueraded)"
	case netfilter.Masqueraded:
		return "leaves with the node's address (masqueraded)"
	case netfilter.Translated:
		return fmt.Sprintf("leaves with the address %s (SNAT)", a.To)
	case netfilter.Dropped:
		return "is dropped"
	}
	return "cannot be told"
}
