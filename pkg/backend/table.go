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
//
// If the first Apply fails because the commands of iptables do not run at all,
// cannotRun is called with the reason. It may be nil.
func NewTable(b Name, f netfilter.Family, o masq.Options, cannotRun func(error)) agent.Table {
	if b == NFTables {
		return nftablesTable{nftables.NewTable(f), f, o}
	}
	return &iptablesTable{NAT: iptables.NewNAT(f, iptables.Backend(b)), backend: iptables.Backend(b), family: f, options: o, cannotRun: cannotRun}
}

// iptablesTable is a chain in the nat table of iptables-nft or iptables-legacy.
type iptablesTable struct {
	*iptables.NAT
	backend   iptables.Backend
	family    netfilter.Family
	options   masq.Options
	cannotRun func(error)
	applied   bool // an Apply succeeded
}

func (t *iptablesTable) Apply(ctx context.Context, c config.Config) (netfilter.Report, error) {
	report, err := t.NAT.Apply(ctx, t.options.Chain(t.family, c))
	switch {
	case err == nil:
		t.applied = true
	case !t.applied && t.cannotRun != nil:
		// The detection chose the backend by the IPv4 command. A missing IPv6
		// command must not cost IPv4 its backend.
		if broken := iptables.Runs(ctx, t.backend, netfilter.IPv4); broken != nil && ctx.Err() == nil {
			t.cannotRun(broken)
		}
	}
	return report, err
}

func (t *iptablesTable) HasRules(ctx context.Context) (bool, error) {
	return t.NAT.HasRules(ctx, t.options.ChainName)
}

func (t *iptablesTable) Reconnect(ctx context.Context) (bool, error) {
	return t.NAT.Reconnect(ctx, t.options.Chain(t.family, config.Config{}))
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

// Reconnect does nothing: what sends packets to the rules is a part of the table.
func (t nftablesTable) Reconnect(context.Context) (bool, error) { return false, nil }
