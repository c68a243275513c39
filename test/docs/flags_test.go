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
	for _, subcommand := range regexp.MustCompile(`(?m)^  ip-masq-agent ([a-z]+)\b`).FindAllStringSubmatch(texts[""], -1) {
		texts[subcommand[1]] = help(subcommand[1])
	}
	flag := regexp.MustCompile(`(?m)^ +(?:(-\w), )?--([a-zA-Z][\w-]*)`)
	real := map[string]bool{"-v": true}
	for subcommand, text := range texts {
		text, klog, _ := strings.Cut(text, "\nLogging (klog):")
		klog, rest, _ := strings.Cut(klog, "\n\n") // the group ends with an empty line
		for _, f := range flag.FindAllStringSubmatch(text+rest, -1) {
			real["--"+f[2]], real[f[1]] = true, true
			if known["--"+f[2]] == nil {
				t.Errorf("no row for --%s of ip-masq-agent %s", f[2], subcommand)
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

// TestFlagDefaults compares the defaults in docs/flags.md with those in --help.
func TestFlagDefaults(t *testing.T) {
	out, err := program.Command(nil, "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(out), "\nLogging (klog):")
	agent, _, _ := strings.Cut(page(t, "docs/flags.md"), "\n## Subcommands")
	documented := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(--[a-z0-9-]+)` \\| `([^`]*)` \\|").FindAllStringSubmatch(agent, -1) {
		documented[m[1]] = m[2]
	}
	defaults := 0
	for _, help := range strings.Split(text, "\n      --")[1:] {
		name, rest, _ := strings.Cut(help, " ")
		name, _, _ = strings.Cut(name, "[")
		m := regexp.MustCompile(`\(default "?([^")]*)"?\)`).FindStringSubmatch(strings.Join(strings.Fields(rest), " "))
		if m == nil {
			continue
		}
		defaults++
		if documented["--"+name] != m[1] {
			t.Errorf("the default of --%s is %q, and in docs/flags.md %q", name, m[1], documented["--"+name])
		}
	}
	if defaults < 5 {
		t.Errorf("found %d defaults in --help", defaults)
	}
}
