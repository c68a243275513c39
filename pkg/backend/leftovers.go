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

// Leftover is a chain or table of an agent that the running agent does not manage.
type Leftover struct {
	Backend Name
	Family  netfilter.Family
	Chain   string // empty for the table of the backend nftables
	// Reached means that POSTROUTING has a rule that goes to the chain, so that
	// its rules are in force; for a table, that it has rules.
	Reached bool
}

// AgentChains returns the default chains of agents of this kind: IP-MASQ of GKE and
// of this agent, and those of the upstream agent and of kind.
func AgentChains() []string { return []string{"IP-MASQ", "IP-MASQ-AGENT", "KIND-MASQ-AGENT"} }

// Leftovers returns the agent's chain in backends other than the one in use, and
// the chains of other agents in all backends. It starts a process only if
// iptables-legacy has one of them. Results may be valid despite an error.
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
			if Name(b) == inUse { // the chain is not a leftover there
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
		table := nftables.NewTable(f)
		exists, err := table.Exists(ctx)
		errs = append(errs, supported(err))
		if exists {
			hasRules, err := table.HasRules(ctx)
			errs = append(errs, err)
			out = append(out, Leftover{Backend: NFTables, Family: f, Reached: hasRules})
		}
	}
	if err := joinDistinct(errs); err != nil {
		return out, fmt.Errorf("looking for rules of other agents and in other backends: %w", err)
	}
	return out, nil
}

// joinDistinct joins errors and drops repeated texts: one cause, such as a missing
// capability, fails every step.
func joinDistinct(errs []error) error {
	var out []error
	for _, err := range errs {
		if err != nil && !slices.ContainsFunc(out, func(e error) bool { return e.Error() == err.Error() }) {
			out = append(out, err)
		}
	}
	return errors.Join(out...)
}

// supported returns err, and nil if it says that the kernel lacks the backend:
// then there is nothing to find.
func supported(err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
