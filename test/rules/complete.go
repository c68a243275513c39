// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package rules

import "strings"

// baseRules returns the rules of the base chain, as the documentation shows
// them. One of them matches the source address and exists only with
// sourceCIDRs.
func baseRules(family string, sources bool) string {
	const (
		head = `{"nftables": [
	{"chain": {"name": "postrouting", "type": "nat", "hook": "postrouting", "prio": 105, "policy": "accept"}},
	{"rule": {"chain": "postrouting", "expr": [{"match": {"op": "==", "left": {"fib": {"result": "type", "flags": ["daddr"]}}, "right": "local"}}, {"accept": null}]}},
	`
		ofSources = `{"rule": {"chain": "postrouting", "expr": [{"match": {"op": "!=", "left": {"payload": {"protocol": "FAMILY", "field": "saddr"}}, "right": "@sources"}}, {"goto": {"target": "kept"}}]}},
	`
		tail = `{"rule": {"chain": "postrouting", "expr": [{"vmap": {"key": {"payload": {"protocol": "FAMILY", "field": "daddr"}}, "data": "@destinations"}}]}},
	{"rule": {"chain": "postrouting", "expr": [{"goto": {"target": "masq"}}]}}]}`
	)
	all := head + tail
	if sources {
		all = head + ofSources + tail
	}
	return strings.ReplaceAll(all, "FAMILY", family)
}

// Complete returns "" if a table, as "nft -j list table" prints it, does what a
// chain does, and otherwise the difference. If the table has no base chain,
// Complete assumes the right one: such a table is as complete as a chain
// without a jump to it.
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
		base, err := parseTable([]byte(baseRules(nftFamily(family), t.sets["sources"] != nil)))
		if err != nil {
			return err.Error()
		}
		t.base = base.base
		t.chains[t.base.Name] = t.base
	}
	return t.differ(want, nftFamily(family))
}
