// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// table is a table as "nft -j list table" prints it, see libnftables-json(5).
type table struct {
	chains map[string]*tableChain
	sets   map[string]*tableSet // and maps
	base   *tableChain
}

type tableChain struct {
	Name, Type, Hook, Policy string
	Prio                     int
	rules                    [][]statement
}

type tableSet struct {
	Name string
	Elem []any
}

// statement is one statement of a rule: an object with one key, its kind.
type statement struct {
	kind string
	data any
}

// parseTable parses the output of nft. An object of a kind that the agent's
// table does not have is an error.
func parseTable(listing []byte) (*table, error) {
	var all struct {
		Nftables []map[string]json.RawMessage
	}
	if err := json.Unmarshal(listing, &all); err != nil {
		return nil, err
	}
	t := &table{chains: map[string]*tableChain{}, sets: map[string]*tableSet{}}
	for _, object := range all.Nftables {
		for kind, data := range object {
			if err := t.add(kind, data); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

func (t *table) add(kind string, data json.RawMessage) error {
	switch kind {
	case "metainfo", "table":
		return nil
	case "chain":
		var c tableChain
		err := json.Unmarshal(data, &c)
		t.chains[c.Name] = &c
		if c.Type != "" && t.base != nil {
			return fmt.Errorf("there are two base chains, %s and %s", t.base.Name, c.Name)
		}
		if c.Type != "" {
			t.base = &c
		}
		return err
	case "set", "map":
		var s tableSet
		err := json.Unmarshal(data, &s)
		t.sets[s.Name] = &s
		return err
	case "rule":
		return t.addRule(data)
	}
	return fmt.Errorf("unexpected %s in the table: %s", kind, data)
}

// addRule adds a rule to its chain. nft prints the chain before the rule.
func (t *table) addRule(data json.RawMessage) error {
	var r struct {
		Chain string
		Expr  []map[string]any
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return err
	}
	var rule []statement
	for _, e := range r.Expr {
		if len(e) != 1 {
			return fmt.Errorf("statement %v does not have exactly one kind", e)
		}
		for kind, data := range e {
			rule = append(rule, statement{kind, data})
		}
	}
	c := t.chains[r.Chain]
	if c == nil {
		return fmt.Errorf("rule of unknown chain %s", r.Chain)
	}
	c.rules = append(c.rules, rule)
	return nil
}

// unused returns a chain or a set that no rule refers to, or "". The chain kept
// may be unused, because a configuration may have no nonMasqueradeCIDRs.
func (t *table) unused() string {
	used := map[string]bool{t.base.Name: true, "kept": true}
	var find func(data any)
	find = func(data any) {
		switch data := data.(type) {
		case string:
			if len(data) > 1 && data[0] == '@' && !used[data] {
				used[data] = true
				if s := t.sets[data[1:]]; s != nil {
					find(s.Elem)
				}
			}
		case []any:
			for _, d := range data {
				find(d)
			}
		case map[string]any:
			if target, ok := data["target"].(string); ok && !used[target] && t.chains[target] != nil {
				used[target] = true
				for _, r := range t.chains[target].rules {
					for _, s := range r {
						find(s.data)
					}
				}
			}
			for _, d := range data {
				find(d)
			}
		}
	}
	for _, r := range t.base.rules {
		for _, s := range r {
			find(s.data)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.chains)) {
		if !used[name] {
			return "chain " + name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.sets)) {
		if !used["@"+name] {
			return "set " + name
		}
	}
	return ""
}
