// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// Traffic returns the totals of the table's counters.
func (t *Table) Traffic() (netfilter.Traffic, error) {
	if !t.verified {
		return t.meter.Total(), nil
	}
	k := kernelTable{}
	var err error
	if k.rules, err = t.conn.counters(t.family); err != nil {
		return t.meter.Total(), fmt.Errorf("reading the counters of table %s: %w", t.name(), err)
	}
	if len(k.rules[keepChain]) == 0 || len(k.rules[masqueradeChain]) == 0 {
		return t.meter.Total(), nil // another program deleted them, as Change reports
	}
	return t.read(k)
}

// read records the present counters and returns the totals.
func (t *Table) read(k kernelTable) (netfilter.Traffic, error) {
	var now netfilter.Traffic
	var errs [2]error
	now.Kept, errs[0] = k.counted(keepChain)
	now.Masqueraded, errs[1] = k.counted(masqueradeChain)
	if err := errors.Join(errs[:]...); err != nil {
		return t.meter.Total(), err
	}
	return t.meter.Read(now), nil
}

// counted returns the value of the first counter of a chain.
func (k kernelTable) counted(chain string) (netfilter.Count, error) {
	for _, r := range k.rules[chain] {
		if n, found, err := countOf(r); found || err != nil {
			return n, err
		}
	}
	return netfilter.Count{}, nil
}

func countOf(rule message) (n netfilter.Count, found bool, err error) {
	err = eachExpression(rule, func(name string, data attributes) error {
		if name == "counter" && !found {
			n = netfilter.Count{Packets: data.uint64(unix.NFTA_COUNTER_PACKETS), Bytes: data.uint64(unix.NFTA_COUNTER_BYTES)}
			found = true
		}
		return nil
	})
	return n, found, err
}

// counters reads the rules of the two chains that have counters, by chain.
func (c *Conn) counters(f netfilter.Family) (map[string][]message, error) {
	rules := map[string][]message{}
	for _, chain := range []string{keepChain, masqueradeChain} {
		attrs := []netlink.Attribute{attrText(unix.NFTA_RULE_TABLE, TableName), attrText(unix.NFTA_RULE_CHAIN, chain)}
		err := c.dump(protoOf(f), unix.NFT_MSG_GETRULE, attrs, func(m message) error {
			rules[chain] = append(rules[chain], m)
			return nil
		})
		if err != nil && !absent(err) {
			return nil, err
		}
	}
	return rules, nil
}
