// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"context"
	"errors"
	"slices"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

// Rules reads every rule at nat/postrouting, of nf_tables and of
// iptables-legacy. What could not be read is a chain with an error, in which
// anything may happen. The chains of these names are read even if nothing leads
// to them.
func Rules(ctx context.Context, names ...string) (netfilter.Ruleset, []Unread) {
	rules, unread := nftablesRules(names)
	for _, f := range netfilter.Families() {
		table, err := iptables.ReadLegacy(ctx, f, names...)
		switch {
		case err != nil:
			rules.Tables = append(rules.Tables, netfilter.Unread(netfilter.OwnerLegacy, f, err))
			unread = append(unread, Unread{legacyBackend, f, err})
		case table != nil:
			rules.Tables = append(rules.Tables, table)
		}
	}
	return rules, unread
}

func nftablesRules(names []string) (netfilter.Ruleset, []Unread) {
	rules, err := readNFTables(names)
	if err == nil || errors.Is(err, errors.ErrUnsupported) { // a kernel without it has none
		return rules, nil
	}
	var unread []Unread
	for _, f := range netfilter.Families() {
		rules.Tables = append(rules.Tables, netfilter.Unread(netfilter.OwnerNFTables, f, err))
		unread = append(unread, Unread{nftBackend, f, err})
	}
	return rules, unread
}

func readNFTables(names []string) (netfilter.Ruleset, error) {
	conn, err := nftables.Dial()
	if err != nil {
		return netfilter.Ruleset{}, err
	}
	defer conn.Close()
	rules, err := conn.Postrouting()
	if err != nil {
		return netfilter.Ruleset{}, err
	}
	for _, f := range netfilter.Families() {
		for _, name := range names {
			addChain(conn, &rules, f, name)
		}
	}
	return rules, nil
}

// addChain adds a chain of iptables' nat table, if it exists and nothing leads
// to it. A chain that cannot be read is added with the error.
func addChain(conn *nftables.Conn, rules *netfilter.Ruleset, f netfilter.Family, name string) {
	at := slices.IndexFunc(rules.Tables, func(t *netfilter.Table) bool { return t.Family == f.NFT() && t.Name == sharedTable })
	if at >= 0 && rules.Tables[at].Chains[name] != nil {
		return
	}
	chain, err := conn.Chain(f, sharedTable, name)
	switch {
	case err != nil:
		chain = &netfilter.Chain{Name: name, Err: err}
	case chain == nil:
		return
	}
	if at < 0 {
		at = len(rules.Tables)
		rules.Tables = append(rules.Tables, &netfilter.Table{Owner: netfilter.OwnerNFTables, Family: f.NFT(), Name: sharedTable, Chains: map[string]*netfilter.Chain{}})
	}
	rules.Tables[at].Chains[name] = chain
}

// family returns the IP family of a table of iptables.
func family(t *netfilter.Table) netfilter.Family {
	if t.Family == netfilter.IPv6.NFT() {
		return netfilter.IPv6
	}
	return netfilter.IPv4
}

// findChains returns the chains of agents, by any of the names, and the tables
// that agents have to themselves.
func findChains(rules netfilter.Ruleset, names []string) []Chain {
	var out []Chain
	for _, t := range rules.Tables {
		for _, f := range netfilter.Families() {
			if !t.HasFamily(f) || t.Family == "inet" {
				continue
			}
			if t.Name == ownTable && t.Owner == netfilter.OwnerNFTables {
				out = append(out, Chain{Backend: nativeBackend, Family: f, Name: names[len(names)-1]})
				continue
			}
			if t.Name != sharedTable {
				continue
			}
			for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
				c := t.Chains[name]
				if c == nil {
					continue
				}
				found := Chain{Backend: backendOf(t), Family: f, Name: name, Rules: c}
				if entry := t.Chains[postrouting]; entry != nil {
					for _, r := range entry.Rules {
						if slices.Contains(r.Targets(), name) {
							found.Jumps = append(found.Jumps, r)
						}
					}
				}
				out = append(out, found)
			}
		}
	}
	return out
}
