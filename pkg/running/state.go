// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package running

import (
	"context"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/flags"
	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/netfilter"
)

// Backend returns the backend that the agent uses; empty if that is unknown. The
// backend that detection would choose now can be another one. Backend uses the
// first source that names one: the flags, the metrics, the rules in the kernel if
// only one backend has the agent's chain and a jump to it.
func (a *Agent) Backend(ctx context.Context) backend.Name {
	if a.Options.Backend != backend.Auto {
		return a.Options.Backend
	}
	if metrics, err := a.metrics(ctx); err == nil {
		if name := backendInMetrics(metrics); name != "" {
			return backend.Name(name)
		}
	}
	return backend.InForce(ctx, a.Options.Masq.ChainName)
}

// mayUse reports whether the agent uses a backend, or may use it. The backend Auto
// means any.
func (a *Agent) mayUse(ctx context.Context, b backend.Name) bool {
	used := a.Backend(ctx)
	return used == "" || b == backend.Auto || b == used
}

// ManagerOf returns the agent that manages a chain in a backend, or may manage it;
// nil if there is none. The backend Auto means any.
func ManagerOf(ctx context.Context, chain string, b backend.Name) *Agent {
	for _, a := range Agents() {
		if a.Options.Masq.ChainName == chain && a.mayUse(ctx, b) {
			return a
		}
	}
	return nil
}

// ManagerOfTable returns the agent of a chain other than this one that manages the
// table of the backend nftables, or may manage it; nil if there is none. The table
// is the same for all chains.
func ManagerOfTable(ctx context.Context, chain string) *Agent {
	for _, a := range Agents() {
		if a.Options.Masq.ChainName != chain && a.mayUse(ctx, backend.NFTables) {
			return a
		}
	}
	return nil
}

// ManagesIPv6 reports whether an agent with these options manages IPv6 rules on
// this node, and if not, why. The agent a, which may be nil, is the one that runs.
func ManagesIPv6(ctx context.Context, o flags.Options, a *Agent) (bool, string) {
	switch o.IPv6 {
	case flags.IPv6On:
		return true, ""
	case flags.IPv6Off:
		return false, "--enable-ipv6 is off"
	}
	forwards, why, err := host.ForwardsIPv6()
	switch {
	case err != nil:
		why = err.Error()
	case forwards:
		why += "; the log of the agent has the reason"
	}
	why = "--enable-ipv6=auto has not enabled IPv6: " + why
	if a == nil {
		// An agent enables IPv6 if it finds rules of its own when it starts.
		return forwards || backend.HasIPv6Rules(ctx, "", o.Masq.ChainName), why
	}
	if metrics, err := a.metrics(ctx); err == nil {
		return hasFamily(metrics, netfilter.IPv6), why
	}
	// The rules are in the kernel as soon as the agent has enabled IPv6.
	return backend.HasIPv6Rules(ctx, a.Backend(ctx), o.Masq.ChainName), why
}
