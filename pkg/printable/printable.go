// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package printable makes text of other programs, such as comments of rules,
// names of chains and arguments of processes, safe to print. Such text can then
// neither start a new line nor control a terminal.
package printable

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns the text with every unprintable Unicode character replaced by its
// Go escape, such as \n, \x1b or \u202e. It does not escape backslashes, because
// rules contain them.
func Line(text string) string {
	if strings.IndexFunc(text, unprintable) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case unprintable(r):
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// Lines returns each text as [Line] does.
func Lines(texts []string) []string {
	if texts == nil {
		return nil
	}
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = Line(t)
	}
	return out
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
