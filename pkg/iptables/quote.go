// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"errors"
	"strings"
)

// quote returns s as one argument of a restore input, in double quotes.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// fields splits a rule as iptables -S prints it: at spaces, but not inside
// double quotes, where a backslash takes the next byte as it is
// (xtables_save_string in iptables' xtables.c).
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
