// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// TestJumpsOfOthers has jumps to our chain that other programs wrote. However
// they are written, they do not keep the agent from its own chain, and all but
// the first go if iptables can name them.
func TestJumpsOfOthers(t *testing.T) {
	const (
		notLocal = "-m addrtype ! --dst-type LOCAL "
		first    = `-m comment --comment "first" ` + notLocal
	)
	tests := []struct {
		name string
		have []string // jumps, without -j IP-MASQ
		want int      // jumps that stay
	}{
		{"another comment", []string{first, `-m comment --comment "other" ` + notLocal}, 1},
		{"no comment", []string{first, notLocal}, 1},
		{"an empty comment", []string{first, `-m comment --comment "" ` + notLocal}, 1},
		{"twins with an empty comment", []string{`-m comment --comment "" ` + notLocal, `-m comment --comment "" ` + notLocal}, 1},
		{"the comment last", []string{first, notLocal + `-m comment --comment "other"`}, 1},
		{"twins with the comment last", []string{notLocal + `-m comment --comment "a b"`, notLocal + `-m comment --comment "a b"`}, 1},
		{"quotes in the comment", []string{first, `-m comment --comment "a \"b\" \\" ` + notLocal}, 1},
		{"a byte that is not printed", []string{first, "-m comment --comment \"a\x01\xff\" " + notLocal}, 1},
		{"two comments", []string{first, `-m comment --comment "a" -m comment --comment "b" ` + notLocal}, 2},
		{"twice the same comment", []string{first, `-m comment --comment "a" -m comment --comment "a" ` + notLocal}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			netns.Matrix(t, func(t *testing.T, backend, family string) {
				have := "*nat\n:IP-MASQ - [0:0]\n"
				for _, j := range tt.have {
					have += "-A POSTROUTING " + j + " -j IP-MASQ\n"
				}
				netns.Restore(t, backend, family, have+"COMMIT\n")
				apply(t, backend, family, wanted(family), true, tt.want != len(tt.have))
				apply(t, backend, family, wanted(family), false, false)
				jumps := netns.List(t, backend, family, postrouting)[1:]
				if len(jumps) != tt.want {
					t.Errorf("%d jumps, want %d:\n%s", len(jumps), tt.want, strings.Join(jumps, "\n"))
				}
			})
		})
	}
}
