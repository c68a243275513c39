// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"context"
	"fmt"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// Postrouting is the built-in chain that our jump stands in.
const Postrouting = postrouting

// Installed tells whether a backend has its command for a family. That one
// lacks it is no failure: images and nodes often come with one backend alone.
func Installed(ctx context.Context, b Backend, f netfilter.Family) bool {
	_, err := find(ctx, b, f)
	return err == nil
}

// Reader reads chains of one family's nat table and creates nothing, not even
// the table. In nft it asks for one chain at a time, because the whole table
// may take seconds. In legacy any command costs as much as the whole table, and
// naming a table creates it: so it is saved once, and all chains come of that.
type Reader struct {
	nat    *NAT
	legacy map[string][]string // the lines of each chain
}

// NewReader finds and proves the command.
func NewReader(ctx context.Context, f netfilter.Family, b Backend) (*Reader, error) {
	r := &Reader{nat: NewNAT(f, b)}
	if err := r.nat.open(ctx); err != nil {
		return nil, err
	}
	if b != Legacy {
		return r, nil
	}
	saved, err := run(ctx, "", r.nat.path+"-save")
	if err != nil {
		return nil, fmt.Errorf("reading %s rules: %w", f, err)
	}
	r.legacy = chainsOf(saved)
	return r, nil
}

// Chain returns a chain as it is; one that is not there is no error.
func (r *Reader) Chain(ctx context.Context, name string) (Listing, error) {
	if r.legacy != nil {
		list := newListing(name, r.legacy[name])
		// Without the table there is no POSTROUTING, and no rule in it.
		list.Exists = list.Exists || name == postrouting
		return list, nil
	}
	return r.nat.list(ctx, name, r.nat.tool.List)
}

// maxChains bounds Reachable: a CNI plugin may have a chain for each pod of the
// node, of which Kubernetes supports 110.
const maxChains = 512

// Reachable reads a chain and every chain that a packet may get to from there.
func (r *Reader) Reachable(ctx context.Context, from string) (map[string]Listing, error) {
	found := map[string]Listing{}
	for ahead := []string{from}; len(ahead) > 0 && len(found) < maxChains; ahead = ahead[1:] {
		if _, read := found[ahead[0]]; read {
			continue
		}
		list, err := r.Chain(ctx, ahead[0])
		if err != nil {
			return nil, err
		}
		found[ahead[0]] = list
		for _, e := range list.Entries {
			if e.Target != "" && !IsBuiltIn(e.Target) {
				ahead = append(ahead, e.Target)
			}
		}
	}
	return found, nil
}

// Expect returns the chain as Apply would write it with this iptables.
func (r *Reader) Expect(want Chain) Chain {
	if !r.nat.tool.HasRandomFully() {
		return want.withoutRandomFully()
	}
	return want
}

// chainsOf takes the nat table out of what iptables-save printed: the lines of
// each chain, as -S prints them.
func chainsOf(saved string) map[string][]string {
	chains := map[string][]string{}
	table := ""
	for _, line := range whole(strings.Split(saved, "\n")) {
		if name, ok := strings.CutPrefix(line, "*"); ok {
			table = name
		}
		if table != natTable {
			continue
		}
		if declared, ok := strings.CutPrefix(line, ":"); ok {
			name, _, _ := strings.Cut(declared, " ")
			chains[name] = append(chains[name], "-N "+name)
		}
		if rule, ok := strings.CutPrefix(line, "-A "); ok {
			name, _, _ := strings.Cut(rule, " ")
			chains[name] = append(chains[name], line)
		}
	}
	return chains
}
