// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package predict

import (
	"context"
	"errors"
	"slices"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

// Postrouting is iptables' chain that has the jump rule to the agent's chain.
const Postrouting = "POSTROUTING"

// Unread is a family's rules that could not be read.
type Unread struct {
	Backend backend.Name
	Family  netfilter.Family
	Err     error
}

// Read reads all rules at nat/postrouting, of nf_tables and of iptables-legacy. It
// reads the chains of the given names even if no rule leads to them. Rules that
// could not be read are represented as netfilter.Unread describes.
func Read(ctx context.Context, chains ...string) (netfilter.Ruleset, []Unread) {
	rules, err := readNFTables(append(slices.Clip(chains), Postrouting))
	var unread []Unread
	if err != nil && !errors.Is(err, errors.ErrUnsupported) { // a kernel without nf_tables has no rules there
		for _, f := range netfilter.Families() {
			rules.Tables = append(rules.Tables, netfilter.Unread(netfilter.OwnerNFTables, f, err))
			unread = append(unread, Unread{backend.IPTablesNFT, f, err})
		}
	}
	for _, f := range netfilter.Families() {
		table, err := iptables.ReadLegacy(ctx, f, chains...)
		switch {
		case err != nil:
			rules.Tables = append(rules.Tables, netfilter.Unread(netfilter.OwnerLegacy, f, err))
			unread = append(unread, Unread{backend.IPTablesLegacy, f, err})
		case table != nil:
			rules.Tables = append(rules.Tables, table)
		}
	}
	return rules, unread
}

func readNFTables(chains []string) (netfilter.Ruleset, error) {
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
		for _, name := range chains {
			addChain(conn, &rules, f, name)
		}
	}
	return rules, nil
}

// addChain adds a chain of iptables' nat table, if it exists and nothing leads
// to it. A chain that cannot be read is added with the error.
func addChain(conn *nftables.Conn, rules *netfilter.Ruleset, f netfilter.Family, name string) {
	at := slices.IndexFunc(rules.Tables, func(t *netfilter.Table) bool { return t.Family == f.NFT() && t.Name == masq.SharedTable })
	if at >= 0 && rules.Tables[at].Chains[name] != nil {
		return
	}
	chain, err := conn.Chain(f, masq.SharedTable, name)
	switch {
	case err != nil:
		chain = &netfilter.Chain{Name: name, Err: err}
	case chain == nil:
		return
	}
	if at < 0 {
		at = len(rules.Tables)
		rules.Tables = append(rules.Tables, &netfilter.Table{Owner: netfilter.OwnerNFTables, Family: f.NFT(), Name: masq.SharedTable, Chains: map[string]*netfilter.Chain{}})
	}
	rules.Tables[at].Chains[name] = chain
}
