// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"slices"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/predict"
)

// backendOf returns the backend that a nat table of iptables belongs to.
func backendOf(t *netfilter.Table) backend.Name {
	if t.Owner == netfilter.OwnerLegacy {
		return backend.IPTablesLegacy
	}
	return backend.IPTablesNFT
}

// findChains returns the chains of agents, by their names, and the tables of the
// backend nftables, as those of the agent with the chain own.
func findChains(rules netfilter.Ruleset, own string, names []string) []Chain {
	names = slices.Compact(slices.Sorted(slices.Values(append(slices.Clip(names), own))))
	var out []Chain
	for _, t := range rules.Tables {
		reached, hasRules := predict.Reachable(t), false
		for c := range reached {
			hasRules = hasRules || len(c.Rules) > 0
		}
		for _, f := range netfilter.Families() {
			switch {
			case t.Family != f.NFT():
			case t.Name == masq.OwnTable && t.Owner == netfilter.OwnerNFTables:
				out = append(out, Chain{Backend: backend.NFTables, Family: f, Name: own, Reached: hasRules})
			case t.Name == masq.SharedTable:
				for _, name := range names {
					if c := t.Chains[name]; c != nil {
						out = append(out, Chain{Backend: backendOf(t), Family: f, Name: name, Rules: c, Jumps: jumps(t, name), Reached: reached[c]})
					}
				}
			}
		}
	}
	return out
}

// jumps returns the rules of POSTROUTING that lead to a chain.
func jumps(t *netfilter.Table, chain string) []netfilter.Rule {
	entry := t.Chains[predict.Postrouting]
	if entry == nil {
		return nil
	}
	var out []netfilter.Rule
	for _, r := range entry.Rules {
		if slices.Contains(r.Targets(), chain) {
			out = append(out, r)
		}
	}
	return out
}

// String names the chain or table.
func (c Chain) String() string {
	if c.Rules == nil {
		return "table " + masq.OwnTable
	}
	return "chain " + c.Name
}

func (c Chain) jumpTexts() []string {
	var out []string
	for _, r := range c.Jumps {
		out = append(out, r.Text)
	}
	return out
}
