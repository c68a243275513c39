// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

// The tables that the agent writes to: iptables' nat table, which it shares with
// others, or a table of its own.
const (
	SharedTable = "nat"
	OwnTable    = nftables.TableName
)

// Owns tells whether a chain is an agent's: the one of that name in iptables'
// nat table, or any of the table that the agent has to itself.
func Owns(p netfilter.Place, chain string) bool {
	if p.Table == nil || p.Chain == nil {
		return false
	}
	return p.Table.Name == OwnTable || p.Table.Name == SharedTable && p.Chain.Name == chain
}
