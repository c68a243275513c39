// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"context"
	"fmt"
	"slices"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

const (
	natTable    = "nat"
	postrouting = "POSTROUTING"
)

// state is the agent's chain and POSTROUTING as the kernel holds them.
type state struct {
	chain       *netfilter.Chain // nil if there is none
	postrouting *netfilter.Chain // nil if there is none
	dormant     bool
}

// rules returns the rules of the agent's chain.
func (s state) rules() []netfilter.Rule {
	if s.chain == nil {
		return nil
	}
	return s.chain.Rules
}

// read reads the agent's chain and POSTROUTING. It creates nothing.
func (n *NAT) read(ctx context.Context, chain string) (state, error) {
	if n.backend == Legacy {
		if s, ok := n.readEntries(chain); ok {
			return s, nil
		}
		s, err := saveNAT(ctx, n.family, func(c string) bool { return c == chain || c == postrouting })
		if err != nil {
			return state{}, err
		}
		return state{chain: s.chain(n.family, chain), postrouting: s.chain(n.family, postrouting)}, nil
	}
	have, err := n.readNFT(chain)
	if err != nil {
		return state{}, fmt.Errorf("reading %s rules from nf_tables: %w", n.family, err)
	}
	return have, nil
}

// readNFT reads only the two chains, because the table may have 140,000 rules.
func (n *NAT) readNFT(chain string) (have state, err error) {
	conn, err := n.nfTables()
	if err != nil {
		return state{}, err
	}
	table, err := conn.Table(n.family, natTable)
	if err != nil || !table.Exists {
		return state{}, err
	}
	have.dormant = table.Dormant
	if have.chain, err = conn.Chain(n.family, natTable, chain); err != nil {
		return state{}, err
	}
	have.postrouting, err = conn.Chain(n.family, natTable, postrouting)
	return have, err
}

// readChain reads one chain of iptables-nft. It returns nil if there is none.
func (n *NAT) readChain(name string) (*netfilter.Chain, error) {
	conn, err := n.nfTables()
	if err != nil {
		return nil, err
	}
	return conn.Chain(n.family, natTable, name)
}

// nfTables returns the connection to nf_tables. It opens it at the first use.
func (n *NAT) nfTables() (*nftables.Conn, error) {
	if n.conn == nil {
		conn, err := nftables.Dial()
		if err != nil {
			return nil, err
		}
		n.conn = conn
	}
	return n.conn, nil
}

// FindChains returns which of the named chains the nat table of a backend has,
// and whether POSTROUTING has a rule that goes to it. It creates nothing.
func FindChains(ctx context.Context, b Backend, f netfilter.Family, names []string) (map[string]bool, error) {
	out := map[string]bool{}
	if b == Legacy {
		if !slices.ContainsFunc(names, func(name string) bool { return !lacksChain(f, name) }) {
			return out, nil
		}
		s, err := saveNAT(ctx, f, func(c string) bool { return c == postrouting })
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if s.has(natTable, name) {
				out[name] = len(rulesTo(s.chain(f, postrouting), name)) > 0
			}
		}
		return out, nil
	}
	conn, err := nftables.Dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	base, err := conn.Chain(f, natTable, postrouting)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		has, err := conn.HasChain(f, natTable, name)
		if err != nil {
			return nil, err
		}
		if has {
			out[name] = len(rulesTo(base, name)) > 0
		}
	}
	return out, nil
}

// lacksChain reports whether the kernel says, without a process, that the nat table
// of iptables-legacy does not have a chain.
func lacksChain(f netfilter.Family, name string) bool {
	if tables, err := LegacyTables(f); err != nil || !slices.Contains(tables, natTable) {
		return err == nil
	}
	has, known := HasLegacyChain(f, natTable, name)
	return known && !has
}

// Close closes the sockets. The NAT may be used again.
func (n *NAT) Close() {
	if n.conn != nil {
		_ = n.conn.Close() // nothing was written to it
		n.conn = nil
	}
	n.closeInfo()
}
