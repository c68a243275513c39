// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"context"

	"ip-masq-agent/pkg/netfilter"
)

// srcnat is the priority of POSTROUTING in iptables (NF_IP_PRI_NAT_SRC).
const srcnat = 100

// ReadLegacy reads the nat table of iptables-legacy with POSTROUTING, all chains
// that can be reached from there, and the named chains. It returns nil if there is
// no such table, and creates none. It starts a process only if there is one.
func ReadLegacy(ctx context.Context, f netfilter.Family, names ...string) (*netfilter.Table, error) {
	s, err := saveNAT(ctx, f, func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	base := s.chain(f, postrouting)
	if base == nil {
		return nil, nil
	}
	base.Base, base.Priority, base.Policy = true, srcnat, netfilter.Accept
	if s.policy == "DROP" {
		base.Policy = netfilter.Drop
	}
	t := &netfilter.Table{Owner: netfilter.OwnerLegacy, Family: f.NFT(), Name: natTable, Chains: map[string]*netfilter.Chain{postrouting: base}}
	ahead := []*netfilter.Chain{base}
	add := func(name string) {
		if t.Chains[name] != nil {
			return
		}
		if c := s.chain(f, name); c != nil {
			t.Chains[name] = c
			ahead = append(ahead, c)
		}
	}
	for _, name := range names {
		add(name)
	}
	for ; len(ahead) > 0; ahead = ahead[1:] {
		for _, rule := range ahead[0].Rules {
			for _, name := range rule.Targets() {
				add(name)
			}
		}
	}
	return t, nil
}

// LegacyChains returns the chains of every table of iptables-legacy. It creates no
// table, and starts a process only if there is one.
func LegacyChains(ctx context.Context, f netfilter.Family) (map[string][]string, error) {
	s, err := saveLegacy(ctx, f, nil)
	if err != nil {
		return nil, err
	}
	return s.tables, nil
}
