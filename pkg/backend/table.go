// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package backend

import (
	"context"

	"ip-masq-agent/pkg/agent"
	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

// NewTable returns the rules of one family in a backend as an agent.Table, which
// renders a configuration for that backend. The backend must not be Auto.
func NewTable(b Name, f netfilter.Family, o masq.Options) agent.Table {
	if b == NFTables {
		return nftablesTable{nftables.NewTable(f), f, o}
	}
	return iptablesTable{iptables.NewNAT(f, iptables.Backend(b)), f, o}
}

// iptablesTable is a chain in the nat table of iptables-nft or iptables-legacy.
type iptablesTable struct {
	*iptables.NAT
	family  netfilter.Family
	options masq.Options
}

func (t iptablesTable) Apply(ctx context.Context, c config.Config) (netfilter.Report, error) {
	return t.NAT.Apply(ctx, t.options.Chain(t.family, c))
}

func (t iptablesTable) HasRules(ctx context.Context) (bool, error) {
	return t.NAT.HasRules(ctx, t.options.ChainName)
}

// nftablesTable is the agent's own table in nf_tables.
type nftablesTable struct {
	*nftables.Table
	family  netfilter.Family
	options masq.Options
}

func (t nftablesTable) Apply(ctx context.Context, c config.Config) (netfilter.Report, error) {
	return t.Table.Apply(ctx, t.options.Table(t.family, c))
}
