// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// TableInfo describes a table without its chains.
type TableInfo struct {
	Exists  bool
	Dormant bool // its base chains are not in force
}

// Table describes a table of the family ip or ip6.
func (c *Conn) Table(f netfilter.Family, name string) (TableInfo, error) {
	return c.table(protoOf(f), name)
}

func (c *Conn) table(family uint8, name string) (TableInfo, error) {
	m, err := c.get(family, unix.NFT_MSG_GETTABLE, []netlink.Attribute{attrText(unix.NFTA_TABLE_NAME, name)})
	switch {
	case absent(err):
		return TableInfo{}, nil
	case err != nil:
		return TableInfo{}, fmt.Errorf("reading table %s %s: %w", familyName(family), name, err)
	}
	return TableInfo{Exists: true, Dormant: m.uint32(unix.NFTA_TABLE_FLAGS)&unix.NFT_TABLE_F_DORMANT != 0}, nil
}

// HasChain reports whether a chain exists in a table of the family ip or ip6. It
// reads no rules.
func (c *Conn) HasChain(f netfilter.Family, table, chain string) (bool, error) {
	_, err := c.chainHeader(protoOf(f), table, chain)
	if absent(err) {
		return false, nil
	}
	return err == nil, err
}

// Chain returns one chain of a table of the family ip or ip6 with its rules, or
// nil if the table or the chain does not exist. No other chain is read.
func (c *Conn) Chain(f netfilter.Family, table, name string) (*netfilter.Chain, error) {
	var out *netfilter.Chain
	err := c.consistently(func() error {
		header, err := c.chainHeader(protoOf(f), table, name)
		if absent(err) {
			out = nil
			return nil
		}
		if err != nil {
			return err
		}
		out = header.model()
		r := newTableReader(c, protoOf(f), table)
		out.Rules, err = r.rules(out)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// chainHeader is a chain without its rules.
type chainHeader struct {
	family      uint8
	table, name string
	postrouting bool // a base chain of type nat at postrouting
	priority    int
	policy      netfilter.Action
}

func (h chainHeader) model() *netfilter.Chain {
	return &netfilter.Chain{Name: h.name, Base: h.postrouting, Priority: h.priority, Policy: h.policy}
}

func (c *Conn) chainHeader(family uint8, table, name string) (chainHeader, error) {
	m, err := c.get(family, unix.NFT_MSG_GETCHAIN, []netlink.Attribute{attrText(unix.NFTA_CHAIN_TABLE, table), attrText(unix.NFTA_CHAIN_NAME, name)})
	if err != nil {
		return chainHeader{}, fmt.Errorf("reading chain %s of table %s %s: %w", name, familyName(family), table, err)
	}
	return parseChainHeader(m)
}

// parseChainHeader parses an NFT_MSG_NEWCHAIN.
func parseChainHeader(m message) (chainHeader, error) {
	h := chainHeader{
		family: m.family,
		table:  m.string(unix.NFTA_CHAIN_TABLE),
		name:   m.string(unix.NFTA_CHAIN_NAME),
		policy: netfilter.Accept,
	}
	if !m.has(unix.NFTA_CHAIN_HOOK) {
		return h, nil
	}
	hook, err := m.nested(unix.NFTA_CHAIN_HOOK)
	if err != nil {
		return h, fmt.Errorf("decoding chain %s of table %s %s: %w", h.name, familyName(h.family), h.table, err)
	}
	if m.string(unix.NFTA_CHAIN_TYPE) != "nat" || hook.uint32(unix.NFTA_HOOK_HOOKNUM) != unix.NF_INET_POST_ROUTING {
		return h, nil
	}
	h.postrouting = true
	h.priority = int(int32(hook.uint32(unix.NFTA_HOOK_PRIORITY)))
	if m.has(unix.NFTA_CHAIN_POLICY) && m.uint32(unix.NFTA_CHAIN_POLICY) == verdictDrop {
		h.policy = netfilter.Drop
	}
	return h, nil
}
