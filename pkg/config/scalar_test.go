// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config_test

import (
	"strings"
	"testing"
	"time"

	"ip-masq-agent/pkg/config"
)

func TestParseInterval(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"60s":     time.Minute,
		"100ms":   100 * time.Millisecond,
		"1m30s":   90 * time.Second,
		"2h":      2 * time.Hour,
		"60":      time.Minute, // a number, in seconds
		`"60"`:    time.Minute,
		"1.5":     1500 * time.Millisecond,
		`"1.5"`:   1500 * time.Millisecond,
		"1e2":     100 * time.Second,
		"!!str 5": 5 * time.Second,
	} {
		t.Run(text, func(t *testing.T) {
			c := config.Default(config.Options{})
			c.ResyncInterval = want
			checkAccepted(t, "resyncInterval: "+text, config.Options{}, c, nil)
		})
	}
}

func TestParseRejectsInterval(t *testing.T) {
	const (
		example = "write a number and its unit (ms, s, m or h), such as 60s"
		short   = "is less than 100ms: write 100ms or more, such as 60s"
	)
	for _, test := range []struct{ text, want string }{
		{`99ms`, `"99ms" ` + short},
		{`0`, `"0" ` + short},
		{`"0"`, `"0" ` + short},
		{`0.05`, `"0.05" ` + short},
		{`-5`, `"-5" ` + short},
		{`-5s`, `"-5s" ` + short},
		{`""`, `is not a duration: ` + example},
		{`1d`, `"1d" is not a duration: ` + example},
		{`1m30`, `"1m30" is not a duration: ` + example},
		{`9999999999h`, `"9999999999h" is not a duration: ` + example},
		{`1e30`, `"1e30" is not a duration: ` + example},
		{`"60 S"`, `"60 S" is not a duration: write 60s`},
		{`"60 X"`, `"60 X" is not a duration: ` + example},
		{`"` + strings.Repeat("0", 200) + `60 S"`, `"` + strings.Repeat("0", 80) + `…" is not a duration: write ` + strings.Repeat("0", 80) + `…`},
		{`yes`, `"yes" is a boolean, not a duration: write a number and its unit, such as 60s`},
		{`[60s]`, `"[\"60s\"]" is a list, not a duration: write a number and its unit, such as 60s`},
	} {
		checkInvalid(t, []invalidText{{test.text, "resyncInterval: " + test.text, []string{"f:1: resyncInterval: " + test.want}}})
	}
}

func TestParseRejectsScalars(t *testing.T) {
	const whole = "write a whole number, such as 64"
	for _, test := range []struct{ key, value, want string }{
		{"masqLinkLocal", `"true"`, `"true" is a string, not a boolean: write true without quotes`},
		{"masqLinkLocal", `'False '`, `"False " is a string, not a boolean: write false without quotes`},
		{"masqLinkLocal", `ture`, `"ture" is a string, not a boolean: write true or false`},
		{"masqLinkLocalIPv6", `1`, `"1" is a number, not a boolean: write true or false`},
		{"masqLinkLocalIPv6", `{}`, `"{}" is a mapping, not a boolean: write true or false`},
		{"cidrLimit", `"64"`, `"64" is a string, not a number: write 64 without quotes`},
		{"cidrLimit", `"0"`, `"0" is a string, not a number: write 0 without quotes`},
		{"cidrLimit", `"-1"`, `"-1" is a string, not a number: ` + whole},
		{"cidrLimit", `many`, `"many" is a string, not a number: ` + whole},
		{"cidrLimit", `true`, `"true" is a boolean, not a number: ` + whole},
		{"cidrLimit", `-1`, `"-1" is not a whole number of 0 or more: ` + whole},
		{"cidrLimit", `6.5`, `"6.5" is not a whole number of 0 or more: ` + whole},
		{"cidrLimit", `99999999999999999999`, `"99999999999999999999" is too large: write a smaller number, such as 64`},
		{"cidrLimit", `-99999999999999999999`, `"-99999999999999999999" is not a whole number of 0 or more: ` + whole},
	} {
		checkInvalid(t, []invalidText{{test.key + " " + test.value, test.key + ": " + test.value, []string{"f:1: " + test.key + ": " + test.want}}})
	}
}

// A key without a value means its default, with a warning.
func TestParseScalarsWithoutValue(t *testing.T) {
	const fault = "has no value, so its default is used: write a value or remove the key"
	checkAccepted(t, "cidrLimit:\nmasqLinkLocal: ~\nmasqLinkLocalIPv6: null\nresyncInterval:\n", config.Options{},
		config.Default(config.Options{}), []string{
			"f:1: cidrLimit: " + fault,
			"f:2: masqLinkLocal: " + fault,
			"f:3: masqLinkLocalIPv6: " + fault,
			"f:4: resyncInterval: " + fault,
		})
}

func TestParseLimitWritten(t *testing.T) {
	for _, text := range []string{"cidrLimit: 64.0", "cidrLimit: 0x40", "cidrLimit: 1e2", `{"cidrLimit": 64}`} {
		checkAccepted(t, text, config.Options{}, config.Default(config.Options{}), nil)
	}
}
