// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// kernelTable is the agent's table in the kernel.
type kernelTable struct {
	header message            // of the table; without attributes if there is none
	chains map[string]message // those of the layout that exist
	rules  map[string][]message
	sets   map[string]*set
}

// exists reports whether there is a table.
func (k kernelTable) exists() bool { return k.header.attributes != nil }

// readBack reads the parts of the agent's table that a layout has, and all its
// rules. It reads no chain of other tables, of which a node can have many
// thousands: the kernel cannot list the chains of one table.
func (c *Conn) readBack(l layout) (kernelTable, error) {
	var k kernelTable
	err := c.consistently(func() (err error) {
		k, err = c.readTable(l)
		return err
	})
	if err != nil {
		return kernelTable{}, fmt.Errorf("reading table %s %s: %w", l.family.NFT(), TableName, err)
	}
	return k, nil
}

func (c *Conn) readTable(l layout) (kernelTable, error) {
	k := kernelTable{chains: map[string]message{}, rules: map[string][]message{}, sets: map[string]*set{}}
	family := protoOf(l.family)
	var err error
	k.header, err = c.get(family, unix.NFT_MSG_GETTABLE, []netlink.Attribute{attrText(unix.NFTA_TABLE_NAME, TableName)})
	if absent(err) {
		return kernelTable{}, nil
	}
	if err != nil {
		return k, err
	}
	for _, chain := range l.chains {
		m, err := c.get(family, unix.NFT_MSG_GETCHAIN, []netlink.Attribute{attrText(unix.NFTA_CHAIN_TABLE, TableName), attrText(unix.NFTA_CHAIN_NAME, chain.name)})
		if absent(err) {
			continue
		}
		if err != nil {
			return k, err
		}
		k.chains[chain.name] = m
	}
	err = c.dump(family, unix.NFT_MSG_GETRULE, []netlink.Attribute{attrText(unix.NFTA_RULE_TABLE, TableName)}, func(m message) error {
		if m.string(unix.NFTA_RULE_TABLE) == TableName && m.family == family {
			chain := m.string(unix.NFTA_RULE_CHAIN)
			k.rules[chain] = append(k.rules[chain], m)
		}
		return nil
	})
	if err != nil {
		return k, err
	}
	return k, c.readSets(family, l, k)
}

// readSets reads the layout's named sets and the sets that rules look up.
func (c *Conn) readSets(family uint8, l layout, k kernelTable) error {
	names := map[string]bool{}
	for _, s := range l.sets {
		names[s.name] = true
	}
	for _, rules := range k.rules {
		for _, r := range rules {
			err := eachExpression(r, func(name string, data attributes) error {
				if name == "lookup" {
					names[data.string(unix.NFTA_LOOKUP_SET)] = true
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	r := newTableReader(c, family, TableName)
	for name := range names {
		s, err := r.set(name)
		if absent(err) {
			continue
		}
		if err != nil {
			return err
		}
		k.sets[name] = s
	}
	return nil
}

// eachExpression calls fn for each expression of a rule, in their order.
func eachExpression(rule message, fn func(name string, data attributes) error) error {
	return eachAttribute(rule.attributes[unix.NFTA_RULE_EXPRESSIONS], func(_ uint16, b []byte) error {
		e, err := parseAttributes(b)
		if err != nil {
			return err
		}
		data, err := e.nested(unix.NFTA_EXPR_DATA)
		if err != nil {
			return err
		}
		return fn(e.string(unix.NFTA_EXPR_NAME), data)
	})
}

// hasRules reports whether the agent's table has a rule.
func (c *Conn) hasRules(f netfilter.Family) (found bool, err error) {
	err = c.dump(protoOf(f), unix.NFT_MSG_GETRULE, []netlink.Attribute{attrText(unix.NFTA_RULE_TABLE, TableName)}, func(m message) error {
		// Kernels that do not know the filter return the rules of all tables.
		found = found || m.string(unix.NFTA_RULE_TABLE) == TableName && m.family == protoOf(f)
		return nil
	})
	if absent(err) {
		return false, nil
	}
	return found, err
}
