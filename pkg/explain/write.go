// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain

import (
	"fmt"
	"io"
	"strings"

	"ip-masq-agent/pkg/masq"
)

// Write prints answers for people.
func Write(w io.Writer, answers []Answer) error {
	var b strings.Builder
	for _, a := range answers {
		b.WriteString(a.Destination)
		if a.Source != "" {
			b.WriteString(" from " + a.Source)
		}
		fmt.Fprintf(&b, ": %s\n", words(a.Verdict))
		fmt.Fprintf(&b, "  because  %s (%s)\n", a.Why, a.From)
		if a.Rule != "" {
			fmt.Fprintf(&b, "  rule     %s\n", a.Rule)
		}
		for _, p := range a.Possible {
			rule := p.Rule
			if rule == "" {
				rule = "no rule"
			}
			fmt.Fprintf(&b, "  perhaps  %s: %s\n", p.Verdict, rule)
		}
		if a.Differs {
			fmt.Fprintf(&b, "  DIFFERS  by the %s it %s, as %s\n", a.File.From, words(a.File.Verdict), a.File.Why)
			if a.File.Rule != "" {
				fmt.Fprintf(&b, "  rule     %s\n", a.File.Rule)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func words(v masq.Verdict) string {
	switch v {
	case masq.Keep:
		return "keeps the pod's address"
	case masq.Masquerade:
		return "leaves with the node's address"
	}
	return "cannot be told"
}
