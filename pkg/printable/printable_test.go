// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package printable

import "testing"

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		`-A X -m comment --comment "a \"b\""`: `-A X -m comment --comment "a \"b\""`,
		"Grüße, 世界":                           "Grüße, 世界",
		"a\nok  all is well":                  `a\nok  all is well`,
		"\x1b[2J\x07":                         `\x1b[2J\a`,
		"\u009b2J":                            `\u009b2J`,
		"\u202egnp.exe":                       `\u202egnp.exe`,
		"a\xffb":                              `a\xffb`,
		"\ufffd":                              "\ufffd",
		"":                                    "",
	} {
		if got := Line(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
