// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

// Leftover is something an agent wrote that the running agent does not keep. Its
// rules are in force too.
type Leftover struct {
	Backend Name
	Family  netfilter.Family
	Chain   string // empty for the table of the backend nftables
	// Reached means that POSTROUTING has a rule that goes to the chain. It is
	// always true of a table.
	Reached bool
}

// AgentChains returns the chains that agents of this kind keep by default:
// GKE's and this one's, the upstream agent's, and kind's.
func AgentChains() []string { return []string{"IP-MASQ", "IP-MASQ-AGENT", "KIND-MASQ-AGENT"} }

// Leftovers returns our chain in other backends than the one in use, and other
// agents' chains in all of them. It starts a process only if iptables-legacy has
// one of them. An error does not mean that nothing was found.
func Leftovers(ctx context.Context, inUse Name, chain string) ([]Leftover, error) {
	names := AgentChains()
	if !slices.Contains(names, chain) {
		names = append(names, chain)
	}
	var out []Leftover
	var errs []error
	for _, f := range netfilter.Families() {
		for _, b := range []iptables.Backend{iptables.NFT, iptables.Legacy} {
			wanted := names
			if Name(b) == inUse { // where our chain is no leftover
				wanted = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == chain })
			}
			found, err := iptables.FindChains(ctx, b, f, wanted)
			errs = append(errs, supported(err))
			for _, name := range wanted {
				if reached, exists := found[name]; exists {
					out = append(out, Leftover{Name(b), f, name, reached})
				}
			}
		}
		if inUse == NFTables {
			continue
		}
		exists, err := nftables.NewTable(f).Exists(ctx)
		errs = append(errs, supported(err))
		if exists {
			out = append(out, Leftover{Backend: NFTables, Family: f, Reached: true})
		}
	}
	if err := joinDistinct(errs); err != nil {
		return out, fmt.Errorf("looking for rules of other agents and in other backends: %w", err)
	}
	return out, nil
}

// joinDistinct joins errs and leaves out a text that was there before: one cause,
// such as a missing capability, fails every step.
func joinDistinct(errs []error) error {
	var out []error
	for _, err := range errs {
		if err != nil && !slices.ContainsFunc(out, func(e error) bool { return e.Error() == err.Error() }) {
			out = append(out, err)
		}
	}
	return errors.Join(out...)
}

// supported returns err, unless the kernel lacks what was asked for: then there
// is nothing to find.
func supported(err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
