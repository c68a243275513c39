// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

// The tables that the agent writes to: the nat table of iptables, which it shares
// with other programs, and its own nftables table.
const (
	SharedTable = "nat"
	OwnTable    = nftables.TableName
)

// Owns reports whether a chain belongs to the agent: the chain of that name in the
// nat table of iptables, or any chain of its own nftables table.
func Owns(p netfilter.Place, chain string) bool {
	if p.Table == nil || p.Chain == nil {
		return false
	}
	return p.Table.Name == OwnTable || p.Table.Name == SharedTable && p.Chain.Name == chain
}
