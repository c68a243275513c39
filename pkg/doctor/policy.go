// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"errors"
	"fmt"
	"net/netip"

	"go4.org/netipx"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

// policy returns the rules that traffic should follow: those that the file asks
// for, or, while the file is invalid, those of the agent's chain or table in the
// kernel. An error says why the latter are not known.
func (n *Node) policy(f netfilter.Family) ([]iptables.Rule, error) {
	if n.ConfigErr == nil {
		return n.Want[f].Rules, nil
	}
	if err := n.unread(n.Backend.Name, f); err != nil {
		return nil, fmt.Errorf("the rules of %s could not be read: %w", n.Backend.Name, err)
	}
	if n.Backend.Name == backend.NFTables {
		return n.tablePolicy(f)
	}
	have := n.chain(f)
	if have == nil {
		return nil, fmt.Errorf("chain %s does not exist", n.ChainName)
	}
	if err := have.Rules.Err; err != nil {
		return nil, fmt.Errorf("chain %s could not be read: %w", n.ChainName, err)
	}
	rules, ok := iptables.ChainRules(f, have.Rules)
	switch {
	case !ok:
		return nil, fmt.Errorf("chain %s has rules that are not the agent's", n.ChainName)
	case len(rules) == 0:
		return nil, fmt.Errorf("chain %s is empty", n.ChainName)
	}
	return rules, nil
}

// tablePolicy returns the rules of the agent's table of the backend nftables.
func (n *Node) tablePolicy(f netfilter.Family) ([]iptables.Rule, error) {
	for _, t := range n.Rules.Tables {
		if t.Owner != netfilter.OwnerNFTables || t.Family != f.NFT() || t.Name != masq.OwnTable {
			continue
		}
		spec, ok := nftables.SpecOf(f, t)
		if !ok {
			return nil, fmt.Errorf("table %s does not have the rules that the agent writes", masq.OwnTable)
		}
		return specRules(spec), nil
	}
	return nil, errors.New("table " + masq.OwnTable + " does not exist")
}

// specRules returns a table as rules of an iptables chain.
func specRules(s nftables.Spec) []iptables.Rule {
	sources := []netip.Prefix{{}} // any source
	if s.OnlySources {
		sources = nil
		for _, r := range s.Sources {
			sources = append(sources, netipx.IPRangeFrom(r.From, r.To).Prefixes()...)
		}
	}
	var rules []iptables.Rule
	masquerade := func(destination netip.Prefix) {
		for _, source := range sources {
			rules = append(rules, iptables.Rule{Source: source, Destination: destination, Target: iptables.Masquerade})
		}
	}
	for _, i := range s.Destinations {
		for _, p := range netipx.IPRangeFrom(i.From, i.To).Prefixes() {
			if i.Masquerade {
				masquerade(p)
			} else {
				rules = append(rules, iptables.Rule{Destination: p, Target: iptables.Return})
			}
		}
	}
	masquerade(netip.Prefix{})
	return rules
}
