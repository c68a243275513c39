// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// Postrouting returns every base chain of type nat at the hook postrouting in
// the tables of the families ip, ip6 and inet, and the chains that can be
// reached from them. What cannot be read in one chain is in that chain's Err.
func (c *Conn) Postrouting() (netfilter.Ruleset, error) {
	var out netfilter.Ruleset
	err := c.consistently(func() (err error) {
		out, err = c.postrouting()
		return err
	})
	if err != nil {
		return netfilter.Ruleset{}, fmt.Errorf("reading the nat rules at postrouting: %w", err)
	}
	return out, nil
}

func (c *Conn) postrouting() (netfilter.Ruleset, error) {
	var out netfilter.Ruleset
	readers := map[*netfilter.Table]*tableReader{}
	err := c.dump(unix.AF_UNSPEC, unix.NFT_MSG_GETCHAIN, nil, func(m message) error {
		if _, ok := familyNames[m.family]; !ok {
			return nil
		}
		h, err := parseChainHeader(m)
		if err != nil || !h.postrouting {
			return err
		}
		t := tableOf(&out, h)
		t.Chains[h.name] = h.model()
		if readers[t] == nil {
			readers[t] = newTableReader(c, h.family, h.table)
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	for _, t := range out.Tables {
		if err := readers[t].read(t); err != nil {
			return out, err
		}
	}
	return out, nil
}

// tableOf returns the table of a chain, which is added if it is new.
func tableOf(rs *netfilter.Ruleset, h chainHeader) *netfilter.Table {
	for _, t := range rs.Tables {
		if t.Family == familyName(h.family) && t.Name == h.table {
			return t
		}
	}
	t := &netfilter.Table{Owner: netfilter.OwnerNFTables, Family: familyName(h.family), Name: h.table, Chains: map[string]*netfilter.Chain{}}
	rs.Tables = append(rs.Tables, t)
	return t
}

// tableReader reads the rules and sets of one table.
type tableReader struct {
	conn   *Conn
	family uint8
	table  string
	sets   map[string]*set // those read so far
}

func newTableReader(c *Conn, family uint8, table string) *tableReader {
	return &tableReader{conn: c, family: family, table: table, sets: map[string]*set{}}
}

// read reads the rules of a table's base chains and of all chains that they
// lead to. It fails only if the whole reading has to be repeated or given up.
func (r *tableReader) read(t *netfilter.Table) error {
	info, err := r.conn.table(r.family, r.table)
	t.Dormant = info.Dormant
	var open []*netfilter.Chain
	for _, c := range t.Chains {
		c.Err = err
		open = append(open, c)
	}
	for len(open) > 0 {
		c := open[len(open)-1]
		open = open[:len(open)-1]
		rules, err := r.rules(c)
		if errors.Is(err, errInterrupted) {
			return err
		}
		c.Rules, c.Err = rules, errors.Join(c.Err, err)
		for _, rule := range rules {
			for _, name := range rule.Targets() {
				if t.Chains[name] == nil {
					t.Chains[name] = &netfilter.Chain{Name: name}
					open = append(open, t.Chains[name])
				}
			}
		}
	}
	return nil
}

// rules reads the rules of one chain.
func (r *tableReader) rules(c *netfilter.Chain) ([]netfilter.Rule, error) {
	chain := c.Name
	var raw [][]byte // parsed later: until then that takes a fraction of the memory
	err := r.conn.dump(r.family, unix.NFT_MSG_GETRULE, []netlink.Attribute{attrText(unix.NFTA_RULE_TABLE, r.table), attrText(unix.NFTA_RULE_CHAIN, chain)}, func(m message) error {
		// Kernels before 4.6 ignore the names and send every rule.
		if m.family == r.family && m.string(unix.NFTA_RULE_TABLE) == r.table && m.string(unix.NFTA_RULE_CHAIN) == chain {
			raw = append(raw, m.raw)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the rules of chain %s of table %s %s: %w", chain, familyName(r.family), r.table, err)
	}
	out := make([]netfilter.Rule, 0, len(raw))
	for i, b := range raw {
		m, err := parseMessage(b)
		var rule netfilter.Rule
		if err == nil {
			rule, err = decodeRule(m, r.set, !iptablesShows(r.family, r.table, c))
		}
		if err != nil {
			return nil, fmt.Errorf("decoding rule %d of chain %s of table %s %s: %w", i+1, chain, familyName(r.family), r.table, err)
		}
		raw[i] = nil // frees it
		out = append(out, rule)
	}
	return out, nil
}

// iptablesShows reports whether iptables-nft shows a chain. Of base chains it
// knows only those that it makes itself.
func iptablesShows(family uint8, table string, c *netfilter.Chain) bool {
	if family != unix.NFPROTO_IPV4 && family != unix.NFPROTO_IPV6 || c.Base && c.Name != "POSTROUTING" {
		return false
	}
	return slices.Contains([]string{"nat", "mangle", "filter", "raw", "security"}, table)
}
