// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import "fmt"

// Sign is what a look that runs no process tells about a table, since Apply
// last saw it hold what was wanted.
type Sign uint8

const (
	// Unknown: there was nothing to compare with, or the look failed.
	Unknown Sign = iota
	// Moved: something was committed. It need not concern our chain.
	Moved
	// Quiet: nothing seems to have changed. In legacy a rule may have been
	// replaced by one of the same size, so this is no proof.
	Quiet
	// Same: nothing was committed, so the table is as it was.
	Same
)

// mark is the kernel's own sign of change. It is taken before a read, so that
// a commit which the read might have missed makes it differ.
type mark struct {
	nft    uint32     // the generation of the rule set: one more with each commit
	legacy legacyInfo // sizes and offsets of the table
}

// Look compares the kernel's sign of change with that of the last Apply that
// succeeded. It costs a few microseconds.
func (n *NAT) Look() (Sign, error) {
	if n.verified == nil {
		return Unknown, nil
	}
	now, err := n.mark()
	switch {
	case err != nil:
		return Unknown, err
	case now != *n.verified:
		return Moved, nil
	case n.backend == NFT:
		return Same, nil
	}
	return Quiet, nil
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
func (n *NAT) Traffic() (Traffic, error) {
	if n.verified == nil || n.backend != NFT {
		return n.meter.total, nil
	}
	counts, err := nftCounters(n.family, n.chain.Name)
	if err != nil {
		return n.meter.total, fmt.Errorf("reading the counters of %s chain %s: %w", n.family, n.chain.Name, err)
	}
	if len(counts) == len(n.chain.Rules) { // else somebody is changing it, and Look will tell
		var now Traffic
		for i, c := range counts {
			now.add(n.chain.Rules[i].Target, c)
		}
		n.meter.read(now)
	}
	return n.meter.total, nil
}
