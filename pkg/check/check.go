// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package check implements the subcommand check: it validates configuration files,
// and shows the rules that the agent would write.
//
// The input is a file or directory as the agent reads it, or a manifest that
// contains the configuration in a ConfigMap. The package uses the parser of the
// agent. In addition it warns about configurations that are valid, but probably not
// intended.
package check

import (
	"errors"
	"net/netip"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

// Options are the flags of the agent, and what a file is compared with.
type Options struct {
	Config config.Options
	Masq   masq.Options
	// AutoIPv6 means that the agent manages IPv6 only on nodes that forward it:
	// --enable-ipv6=auto.
	AutoIPv6 bool
	// NFTables means that the rules of the backend nftables are shown.
	NFTables bool
	// Pods and Nodes are the ranges of the cluster (--pod-cidr, --node-cidr).
	// According to the GKE documentation, nonMasqueradeCIDRs should cover them.
	Pods, Nodes []netip.Prefix
	// WithFlags returns the options of an agent that is started with args. It is
	// called for an agent in the same manifest.
	WithFlags func(o Options, args []string) (Options, error)
}

// Result is the result for one configuration.
type Result struct {
	File      string           `json:"file"`
	ConfigMap string           `json:"configMap,omitempty"` // NAMESPACE/NAME, if File is a manifest
	Agent     string           `json:"agent,omitempty"`     // KIND NAMESPACE/NAME of the agent in the manifest that mounts it
	Flags     []string         `json:"flags,omitempty"`     // of Agent
	Defaults  bool             `json:"defaults,omitempty"`  // the manifest has Agent, but not ConfigMap: Chains are those of an agent without a file
	Problems  []config.Problem `json:"problems"`            // why the configuration is invalid
	Warnings  []config.Problem `json:"warnings"`
	Chains    []Chain          `json:"chains"` // none if the configuration is invalid

	unread bool // the file could not be read
}

// Chain is what the agent would write for one IP family: a chain as input for
// iptables-restore or, with the backend nftables, a table as input for nft -f.
type Chain struct {
	Family  string `json:"family"`
	Restore string `json:"restore,omitempty"`
	Table   string `json:"table,omitempty"`
}

// checkFiles checks one configuration.
func checkFiles(name string, files config.Files, o Options) Result {
	r := newResult(name)
	c, origins, warnings, err := files.Parse(o.Config)
	r.Warnings = append(r.Warnings, warnings...)
	var invalid *config.InvalidError
	if errors.As(err, &invalid) {
		r.Problems = invalid.Problems
		return r
	}
	r.Warnings = append(r.Warnings, findWarnings(name, origins, c, o)...)
	for _, f := range families(o) {
		chain := Chain{Family: f.String()}
		if o.NFTables {
			chain.Table = o.Masq.Table(f, c).String()
		} else {
			chain.Restore = o.Masq.Chain(f, c).String()
		}
		r.Chains = append(r.Chains, chain)
	}
	return r
}

// newResult returns a Result with empty lists, which are [] in JSON and not null.
func newResult(name string) Result {
	return Result{File: name, Problems: []config.Problem{}, Warnings: []config.Problem{}, Chains: []Chain{}}
}

// invalid returns the Result of a file with one problem.
func invalid(name string, p config.Problem) Result {
	r := newResult(name)
	r.Problems = append(r.Problems, p)
	return r
}

func families(o Options) []netfilter.Family {
	if o.Config.IPv6 {
		return netfilter.Families()
	}
	return []netfilter.Family{netfilter.IPv4}
}
