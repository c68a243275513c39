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
)

// NewTable returns what the kernel holds for one family in a backend, as the
// agent uses it: a configuration goes in, and is rendered for that backend.
func NewTable(b iptables.Backend, f netfilter.Family, o masq.Options) agent.Table {
	return iptablesTable{iptables.NewNAT(f, b), f, o}
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
