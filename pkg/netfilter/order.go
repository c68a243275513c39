// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"cmp"
	"sort"
)

// baseChain is a base chain and its table.
type baseChain struct {
	table *Table
	chain *Chain
}

// byPriority returns the base chains that a family's packets pass, in order;
// those of one group have the same priority.
func (rs Ruleset) byPriority(f Family) [][]baseChain {
	var all []baseChain
	for _, t := range rs.Tables {
		if t.Dormant || !t.HasFamily(f) {
			continue
		}
		for _, c := range t.Chains {
			if c.Base {
				all = append(all, baseChain{t, c})
			}
		}
	}
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i], all[j]
		return cmp.Or(
			cmp.Compare(a.chain.Priority, b.chain.Priority),
			// The names, so that the same rules give the same text.
			cmp.Compare(a.table.Owner, b.table.Owner), cmp.Compare(a.table.Family, b.table.Family),
			cmp.Compare(a.table.Name, b.table.Name), cmp.Compare(a.chain.Name, b.chain.Name)) < 0
	})
	var groups [][]baseChain
	for i, b := range all {
		if i == 0 || b.chain.Priority != all[i-1].chain.Priority {
			groups = append(groups, nil)
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], b)
	}
	return groups
}
