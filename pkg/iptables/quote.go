// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"errors"
	"strings"
)

// quote returns s in double quotes, as one argument of a line of restore input.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// fields splits a rule as iptables -S prints it. It splits at spaces outside double
// quotes. Inside, a backslash escapes the next byte (xtables_save_string in xtables.c
// of iptables).
func fields(line string) ([]string, error) {
	var out []string
	var field strings.Builder
	started, quoted := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\' && i+1 < len(line):
			i++
			field.WriteByte(line[i])
		case c == '"':
			started, quoted = true, !quoted
		case c == ' ' && !quoted:
			if started {
				out = append(out, field.String())
			}
			field.Reset()
			started = false
		default:
			started = true
			field.WriteByte(c)
		}
	}
	if quoted {
		return nil, errOpenQuote
	}
	if started {
		out = append(out, field.String())
	}
	return out, nil
}

var errOpenQuote = errors.New("a quote is not closed")
