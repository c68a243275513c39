// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"

	"ip-masq-agent/pkg/netfilter"
)

// snapshot is used to detect changes. If two snapshots differ, something was
// committed in between. It is taken before a read, so that a commit during the read
// makes the next snapshot differ.
type snapshot struct {
	nft    uint32     // the generation of the rule set: one more with each commit
	legacy legacyInfo // sizes and offsets of the table
}

// Change reports whether anything was committed since the last successful Apply. It
// takes a few microseconds, and does not block.
func (n *NAT) Change() (netfilter.Change, error) {
	if n.verified == nil {
		return netfilter.ChangeUnknown, nil
	}
	now, err := n.snapshot()
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

func (n *NAT) snapshot() (s snapshot, err error) {
	if n.backend == Legacy {
		s.legacy, err = n.readLegacyInfo()
	} else if conn, dialErr := n.nfTables(); dialErr != nil {
		err = dialErr
	} else {
		s.nft, err = conn.Generation()
	}
	if err != nil {
		return snapshot{}, fmt.Errorf("checking %s for changes: %w", n.backend, err)
	}
	return s, nil
}

// Traffic returns the present Report.Traffic, without running a process. On
// iptables-legacy, where reading may need a process, it returns the result of the
// last Apply.
func (n *NAT) Traffic() (netfilter.Traffic, error) {
	if n.verified == nil || n.backend == Legacy {
		return n.counters.total(), nil
	}
	var have state
	var err error
	if have.chain, err = n.readChain(n.chain.Name); err == nil && n.chain.hasOpenEnd() {
		have.postrouting, err = n.readChain(postrouting)
	}
	if err != nil {
		return n.counters.total(), fmt.Errorf("reading the counters of %s chain %s: %w", n.family, n.chain.Name, err)
	}
	return n.counters.read(n.family, have, n.chain), nil
}
