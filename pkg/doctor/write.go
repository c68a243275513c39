// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"
	"io"
	"strings"
)

// Write prints findings as text.
func Write(w io.Writer, findings []Finding) error {
	var b strings.Builder
	count := map[Severity]int{}
	for _, f := range findings {
		count[f.Severity]++
		what := f.What
		if f.Family != "" {
			what = f.Family + ": " + what
		}
		fmt.Fprintf(&b, "%-9s  %s\n", f.Severity, what)
		for _, r := range f.Rules {
			fmt.Fprintf(&b, "           rule         %s\n", r)
		}
		if f.Consequence != "" {
			fmt.Fprintf(&b, "           consequence  %s\n", f.Consequence)
		}
		if f.Remedy != "" {
			fmt.Fprintf(&b, "           remedy       %s\n", f.Remedy)
		}
	}
	fmt.Fprintf(&b, "errors: %d, warnings: %d, could not be checked: %d\n", count[Error], count[Warning], count[Unchecked])
	_, err := io.WriteString(w, b.String())
	return err
}
