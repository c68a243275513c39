// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"

	"ip-masq-agent/pkg/netfilter"
)

// mark is the kernel's own sign of change. It is taken before a read, so that
// a commit which the read might have missed makes it differ.
type mark struct {
	nft    uint32     // the generation of the rule set: one more with each commit
	legacy legacyInfo // sizes and offsets of the table
}

// Look compares the kernel's sign of change with that of the last Apply that
// succeeded. It costs a few microseconds.
func (n *NAT) Look() (netfilter.Change, error) {
	if n.verified == nil {
		return netfilter.ChangeUnknown, nil
	}
	now, err := n.mark()
	switch {
	case err != nil:
		return netfilter.ChangeUnknown, err
	case now != *n.verified:
		return netfilter.Changed, nil
	case n.backend == NFT:
		return netfilter.Unchanged, nil
	}
	return netfilter.PerhapsUnchanged, nil
}

func (n *NAT) mark() (m mark, err error) {
	if n.backend == NFT {
		m.nft, err = nftGeneration()
	} else {
		m.legacy, err = readLegacyInfo(n.family)
	}
	if err != nil {
		return mark{}, fmt.Errorf("looking for changes in %s: %w", n.backend, err)
	}
	return m, nil
}

// Traffic returns what Report.Traffic would say now, without running a process.
// On legacy, where it takes a process to know, that is what the last Apply saw.
func (n *NAT) Traffic() (netfilter.Traffic, error) {
	if n.verified == nil || n.backend != NFT {
		return n.meter.Total(), nil
	}
	counts, err := nftCounters(n.family, n.chain.Name)
	if err != nil {
		return n.meter.Total(), fmt.Errorf("reading the counters of %s chain %s: %w", n.family, n.chain.Name, err)
	}
	if len(counts) == len(n.chain.Rules) { // else somebody is changing it, and Look will tell
		var now netfilter.Traffic
		for i, c := range counts {
			now.Add(actionOf(n.chain.Rules[i].Target), c)
		}
		return n.meter.Read(now), nil
	}
	return n.meter.Total(), nil
}
