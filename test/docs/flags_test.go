// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package docs_test

import (
	"regexp"
	"strings"
	"testing"

	"ip-masq-agent/test/program"
)

// TestEveryFlagIsDocumented compares docs/flags.md with --help, in both directions.
func TestEveryFlagIsDocumented(t *testing.T) {
	help := func(args ...string) string {
		out, err := program.Command(nil, append(args, "--help")...).Output()
		if err != nil {
			t.Fatalf("%v --help: %v", args, err)
		}
		return string(out)
	}
	known := rows(t, "docs/flags.md", regexp.MustCompile(`^--?[a-z]`))

	texts := map[string]string{"": help()}
	for _, verb := range regexp.MustCompile(`(?m)^  ip-masq-agent ([a-z]+)\b`).FindAllStringSubmatch(texts[""], -1) {
		texts[verb[1]] = help(verb[1])
	}
	flag := regexp.MustCompile(`(?m)^ +(?:(-\w), )?--([a-zA-Z][\w-]*)`)
	real := map[string]bool{"-v": true}
	for verb, text := range texts {
		text, klog, _ := strings.Cut(text, "\nLogging (klog):")
		klog, rest, _ := strings.Cut(klog, "\n\n") // the group ends with an empty line
		for _, f := range flag.FindAllStringSubmatch(text+rest, -1) {
			real["--"+f[2]], real[f[1]] = true, true
			if known["--"+f[2]] == nil {
				t.Errorf("no row for --%s of ip-masq-agent %s", f[2], verb)
			}
		}
		for _, f := range flag.FindAllStringSubmatch(klog, -1) {
			real["--"+f[2]] = true // klog's own are named in one row
		}
	}
	if len(real) < 10 {
		t.Errorf("found %d flags in --help", len(real))
	}
	for f := range known {
		if !real[f] {
			t.Errorf("there is no flag %s", f)
		}
	}
}
