// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

func TestProbeLegacy(t *testing.T) {
	netns.MatrixOf(t, []string{"iptables-legacy"}, func(t *testing.T, _, family string) {
		f := familyOf(family)
		if err := ProbeLegacy(t.Context(), f); err != nil {
			t.Errorf("the nat table: %v", err)
		}
		if tables, err := LegacyTables(f); err != nil || !slices.Contains(tables, "nat") {
			t.Errorf("tables after the question: %q, %v, want nat", tables, err)
		}
		err := askForLegacyTable(f, "no-such-table")
		want := "the kernel has no table no-such-table of " + netns.Command("iptables-legacy", family) + ": unsupported operation: no such file or directory"
		if !errors.Is(err, errors.ErrUnsupported) || err.Error() != want {
			t.Errorf("a table that does not exist: %v, want %s", err, want)
		}
	})
}

// TestUnsupported has what iptables-restore prints if the kernel cannot hold rules,
// and what it prints if something else is wrong.
func TestUnsupported(t *testing.T) {
	for stderr, want := range map[string]bool{
		"ip6tables-restore v1.8.9 (legacy): ip6tables-restore: unable to initialize table 'nat'\n":                                            true,
		"Warning: Extension MASQUERADE revision 0 not supported, missing kernel module?\nip6tables-restore v1.8.9 (nf_tables): line 5 failed": true,
		"ip6tables-restore: line 5 failed":                                   false,
		"Another app is currently holding the xtables lock; waiting for it.": false,
	} {
		if got := errors.Is(unsupported(errors.New(stderr)), errors.ErrUnsupported); got != want {
			t.Errorf("%s: %v, want %v", strings.TrimSpace(stderr), got, want)
		}
	}
}
