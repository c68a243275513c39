// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package rules

import "strings"

// baseRules are the rules of the base chain, as the README shows them.
const baseRules = `{"nftables": [
	{"chain": {"name": "postrouting", "type": "nat", "hook": "postrouting", "prio": 105, "policy": "accept"}},
	{"rule": {"chain": "postrouting", "expr": [{"match": {"op": "==", "left": {"fib": {"result": "type", "flags": ["daddr"]}}, "right": "local"}}, {"accept": null}]}},
	{"rule": {"chain": "postrouting", "expr": [{"vmap": {"key": {"payload": {"protocol": "FAMILY", "field": "daddr"}}, "data": "@destinations"}}]}},
	{"rule": {"chain": "postrouting", "expr": [{"goto": {"target": "masq"}}]}}]}`

// Complete returns "" if a table, as "nft -j list table" prints it, does what a
// chain does, and else how it differs. A table without its base chain is taken
// as if it had it: it is as complete as a chain to which nothing jumps.
func Complete(listing, family string, chain []string) string {
	t, err := parseTable([]byte(listing))
	if err != nil {
		return err.Error()
	}
	want, err := parseChain(chain)
	if err != nil {
		return err.Error()
	}
	if t.base == nil {
		base, err := parseTable([]byte(strings.Replace(baseRules, "FAMILY", nftFamily(family), 1)))
		if err != nil {
			return err.Error()
		}
		t.base = base.base
		t.chains[t.base.Name] = t.base
	}
	return t.differ(want, nftFamily(family))
}
