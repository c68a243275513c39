// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"fmt"
	"io"
	"strings"

	"ip-masq-agent/pkg/printable"
)

// Write prints results as text: problems, in the form that editors turn into links,
// then the rules.
func Write(w io.Writer, results []Result) error {
	var b strings.Builder
	for _, r := range results {
		for _, p := range r.Problems {
			fmt.Fprintf(&b, "%s\n", printable.Line(p.String()))
		}
		for _, p := range r.Warnings {
			fmt.Fprintf(&b, "%s (warning)\n", printable.Line(p.String()))
		}
		name := r.File
		if r.ConfigMap != "" && !r.Defaults {
			name += " (ConfigMap " + r.ConfigMap + ")"
		}
		name = printable.Line(name)
		if r.Agent != "" {
			fmt.Fprintf(&b, "%s: with the flags of %s\n", name, printable.Line(strings.Join(append([]string{r.Agent + ":"}, r.Flags...), " ")))
		}
		if r.Defaults {
			missing := ""
			if r.ConfigMap != "" {
				missing = printable.Line(" (" + r.ConfigMap + ")")
			}
			fmt.Fprintf(&b, "%s: has no ConfigMap of the agent%s: the defaults apply, unless the cluster has one\n", name, missing)
		}
		switch {
		case r.unread:
			fmt.Fprintf(&b, "%s: not checked\n", name)
		case len(r.Problems) > 0:
			fmt.Fprintf(&b, "%s: invalid: %s; a running agent keeps its last valid configuration\n", name, count(len(r.Problems), "problem"))
		case len(r.Warnings) > 0:
			fmt.Fprintf(&b, "%s: valid, with %s\n", name, count(len(r.Warnings), "warning"))
		default:
			fmt.Fprintf(&b, "%s: valid\n", name)
		}
		for _, c := range r.Chains {
			fmt.Fprintf(&b, "\n%s:\n%s%s", c.Family, c.Restore, c.Table)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
