// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package printable makes other programs' texts, such as comments of rules,
// names of chains and arguments of processes, safe to print: they cannot start
// a line of their own or control a terminal.
package printable

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns the text with every character that is not printable, in the
// sense of Unicode, as an escape of Go's: \n, \x1b, \u202e. A backslash is not
// escaped, because rules contain them.
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
