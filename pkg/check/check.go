// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package check answers: what would the agent make of this file?
//
// A file is the one that the agent reads, or a manifest that has it as the value
// of the key "config" in a ConfigMap. It is parsed by the agent's own parser;
// what is found besides are slips that a parser cannot call wrong.
package check

import (
	"errors"
	"net/netip"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

// Options say how the agent would be run, and what a file has to cover.
type Options struct {
	Config config.Options
	Masq   masq.Options
	// Pods and Nodes are the cluster's ranges (--pod-cidr, --node-cidr); the
	// GKE page asks that nonMasqueradeCIDRs has them.
	Pods, Nodes []netip.Prefix
}

// Result is what was found in one configuration.
type Result struct {
	File      string           `json:"file"`
	ConfigMap string           `json:"configMap,omitempty"` // NAMESPACE/NAME, if File is a manifest
	Problems  []config.Problem `json:"problems"`            // why the agent refuses it
	Warnings  []config.Problem `json:"warnings"`
	Chains    []Chain          `json:"chains"` // none if it is refused

	unread bool
}

// Chain is what the agent would write in one family, in iptables-restore syntax.
type Chain struct {
	Family  string `json:"family"`
	Restore string `json:"restore"`
}

// Fine tells whether nothing was found.
func (r Result) Fine() bool { return len(r.Problems) == 0 && len(r.Warnings) == 0 }

// File checks the content of a file: one Result for it, or for a manifest one
// for each of its configurations.
func File(name string, data []byte, o Options) []Result {
	found, isManifest := configMaps(data)
	if !isManifest {
		return []Result{one(name, data, o)}
	}
	if len(found) == 0 {
		return []Result{{
			File:     name,
			Problems: []config.Problem{{File: name, Reason: `is a manifest without a ConfigMap that has the key "config"`, Remedy: `put the configuration below data, as "config: |"`}},
			Warnings: []config.Problem{},
			Chains:   []Chain{},
		}}
	}
	var out []Result
	for _, m := range found {
		r := one(name, []byte(m.text), o)
		r.ConfigMap = m.name
		for _, list := range [][]config.Problem{r.Problems, r.Warnings} {
			for i := range list {
				list[i].Line = m.line(list[i].Line)
			}
		}
		out = append(out, r)
	}
	return out
}

// one checks one configuration.
func one(name string, data []byte, o Options) Result {
	r := Result{File: name, Problems: []config.Problem{}, Chains: []Chain{}}
	c, warnings, err := config.Parse(name, data, o.Config)
	r.Warnings = append([]config.Problem{}, warnings...)
	var refusal *config.Refusal
	if errors.As(err, &refusal) {
		r.Problems = refusal.Problems
		return r
	}
	r.Warnings = append(r.Warnings, slips(name, data, c, o)...)
	for _, f := range families(o) {
		r.Chains = append(r.Chains, Chain{Family: f.String(), Restore: o.Masq.Chain(f, c).String()})
	}
	return r
}

// Unreadable is the Result of a file that cannot be read.
func Unreadable(name string, err error) Result {
	r := Result{File: name, Warnings: []config.Problem{}, Chains: []Chain{}, unread: true}
	var refusal *config.Refusal
	if errors.As(err, &refusal) {
		r.Problems = refusal.Problems
		return r
	}
	r.Problems = []config.Problem{{File: name, Reason: "cannot be read (" + err.Error() + ")", Remedy: "give a file, or - for the standard input"}}
	return r
}

func families(o Options) []netfilter.Family {
	if o.Config.IPv6 {
		return []netfilter.Family{netfilter.IPv4, netfilter.IPv6}
	}
	return []netfilter.Family{netfilter.IPv4}
}
