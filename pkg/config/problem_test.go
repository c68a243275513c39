// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
)

func TestProblem(t *testing.T) {
	for _, test := range []struct {
		name       string
		problem    config.Problem
		text, json string
	}{
		{
			"all is known",
			config.Problem{File: "/etc/config/ip-masq-agent", Line: 3, Key: "cidrLimit", Value: "x", Reason: "is a string", Remedy: "write 64"},
			`/etc/config/ip-masq-agent:3: cidrLimit: "x" is a string: write 64`,
			`{"file":"/etc/config/ip-masq-agent","line":3,"key":"cidrLimit","value":"x","reason":"is a string","remedy":"write 64"}`,
		},
		{
			"the file as a whole",
			config.Problem{File: "f", Reason: "is over 1 MiB", Remedy: "write less"},
			`f: is over 1 MiB: write less`,
			`{"file":"f","reason":"is over 1 MiB","remedy":"write less"}`,
		},
		{
			"text that would break the line",
			config.Problem{File: "f", Key: "a: b\n", Value: "\"\x00\n", Reason: "is wrong", Remedy: "remove it"},
			`f: "a: b\n": "\"\x00\n" is wrong: remove it`,
			`{"file":"f","key":"a: b\n","value":"\"\u0000\n","reason":"is wrong","remedy":"remove it"}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.text, test.problem.String()); diff != "" {
				t.Errorf("String (-want +got):\n%s", diff)
			}
			got, err := json.Marshal(test.problem)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.json, string(got)); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
		})
	}
}

// The number of problems that one file can write into the log is bounded.
func TestProblemsAreBounded(t *testing.T) {
	item := `f:2: nonMasqueradeCIDRs: "x" is not a CIDR: write a CIDR, such as 10.0.0.0/8`
	want := append([]string{}, strings.Split(strings.Repeat(item+"\n", 100), "\n")[:100]...)
	checkInvalid(t, []invalidText{{
		"many", "cidrLimit: 1000\nnonMasqueradeCIDRs: [" + strings.Repeat("x, ", 1000) + "]",
		append(want, "f: and 900 more: correct those above first"),
	}})

	checkInvalid(t, []invalidText{{
		"one more", "cidrLimit: 1000\nnonMasqueradeCIDRs: [" + strings.Repeat("x, ", 101) + "]",
		append(want, "f: and 1 more: correct those above first"),
	}})

	_, _, warnings, err := config.Files{{Name: "f", Data: []byte("cidrLimit: 1000\nnonMasqueradeCIDRs: [" + strings.Repeat("10.0.0.0/8, ", 1000) + "]")}}.Parse(config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 101 || warnings[100].String() != "f: and 899 more: correct those above first" {
		t.Errorf("%d warnings, the last %v; want 100 and the number of the others", len(warnings), warnings[len(warnings)-1])
	}
}
