// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package check answers: what would the agent make of this file?
//
// A file is the one that the agent reads, or a manifest that has it in a
// ConfigMap. It is parsed by the agent's own parser. Besides, the package finds
// mistakes that a parser cannot call wrong.
package check

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

// Options say how the agent would be run, and what a file has to cover.
type Options struct {
	Config config.Options
	Masq   masq.Options
	// AutoIPv6 means that the agent manages IPv6 only on nodes that forward it:
	// --enable-ipv6=auto.
	AutoIPv6 bool
	// NFTables means that the rules of the backend nftables are shown.
	NFTables bool
	// Pods and Nodes are the cluster's ranges (--pod-cidr, --node-cidr); the
	// GKE page asks that nonMasqueradeCIDRs has them.
	Pods, Nodes []netip.Prefix
	// WithFlags returns the options of an agent that is started with these
	// arguments: those of a DaemonSet in the same manifest.
	WithFlags func(o Options, args []string) (Options, error)
}

// Result is what was found in one configuration.
type Result struct {
	File      string           `json:"file"`
	ConfigMap string           `json:"configMap,omitempty"` // NAMESPACE/NAME, if File is a manifest
	Agent     string           `json:"agent,omitempty"`     // KIND NAMESPACE/NAME of the same manifest that mounts it
	Flags     []string         `json:"flags,omitempty"`     // of Agent
	Problems  []config.Problem `json:"problems"`            // why the agent refuses it
	Warnings  []config.Problem `json:"warnings"`
	Chains    []Chain          `json:"chains"` // none if it is refused

	unread bool
}

// Chain is what the agent would write in one family: a chain as the input of
// iptables-restore, or for the backend nftables a table as the input of nft -f.
type Chain struct {
	Family  string `json:"family"`
	Restore string `json:"restore,omitempty"`
	Table   string `json:"table,omitempty"`
}

// File checks the content of a file: one Result for it, or for a manifest one
// for each of its configurations.
func File(name string, data []byte, o Options) []Result {
	found, isManifest := configurations(data)
	if !isManifest {
		if p := config.CheckSize(name, len(data)); p != nil {
			return []Result{refused(name, *p)}
		}
		return []Result{check(name, config.Files{{Name: name, Data: data}}, o)}
	}
	if len(found) == 0 {
		return []Result{refused(name, config.Problem{
			File:   name,
			Reason: `is a manifest without a ConfigMap of the agent, with the key "config" or "ip-masq-agent"`,
			Remedy: `put the configuration below data, as "config: |"`,
		})}
	}
	var out []Result
	for _, c := range found {
		out = append(out, c.check(name, o))
	}
	return out
}

// Directory checks the files of a directory, as the agent reads it: one Result
// for all of them. If every file is a manifest, each is checked on its own, but not
// in a volume of Kubernetes: that is what an agent reads.
func Directory(name string, files config.Files, isVolume bool, o Options) []Result {
	var each []Result
	for _, f := range files {
		switch {
		case f.Skipped:
			continue
		case isVolume:
			return []Result{check(name, files, o)}
		}
		if _, isManifest := configurations(f.Data); !isManifest || f.Err != nil {
			return []Result{check(name, files, o)}
		}
		each = append(each, File(f.Name, f.Data, o)...)
	}
	if each == nil {
		return []Result{check(name, files, o)}
	}
	return each
}

// check checks the configuration of one or several ConfigMaps, with the flags of
// the agent that mounts them.
func (c configuration) check(file string, o Options) (r Result) {
	defer func() { r.ConfigMap = c.name() }()
	for _, p := range c.parts {
		if p.err == nil {
			continue
		}
		remedy := "write the configuration there"
		if c.agent != nil {
			remedy += ": " + c.agent.name + " mounts it"
		}
		return refused(file, config.Problem{File: file, Line: p.first, Reason: p.err.Error(), Remedy: remedy})
	}
	if c.agent != nil && o.WithFlags != nil {
		var err error
		if o, err = o.WithFlags(o, c.agent.args); err != nil {
			return refused(file, config.Problem{
				File: file, Line: c.agent.line, Reason: fmt.Sprintf("has arguments of %s that the agent refuses (%v)", c.agent.name, err), Remedy: "correct them",
			})
		}
	}
	files, lines, size := config.Files{}, map[string]func(int) int{}, 0
	for _, p := range c.parts {
		name := cmp.Or(p.path, file)
		files, lines[name], size = append(files, config.File{Name: name, Data: []byte(p.text)}), p.line, size+len(p.text)
		if problem := config.CheckSize(file, size); problem != nil {
			problem.Line = p.first
			return refused(file, *problem)
		}
	}
	r = check(file, files, o)
	if c.agent != nil {
		r.Agent, r.Flags = c.agent.name, c.agent.args
	}
	for _, list := range [][]config.Problem{r.Problems, r.Warnings} {
		for i := range list {
			if line, ok := lines[list[i].File]; ok { // the manifest's
				list[i].File, list[i].Line = file, line(list[i].Line)
			}
		}
	}
	return r
}

// refused is the Result of a file with one problem.
func refused(name string, p config.Problem) Result {
	return Result{File: name, Problems: []config.Problem{p}, Warnings: []config.Problem{}, Chains: []Chain{}}
}

// check checks one configuration.
func check(name string, files config.Files, o Options) Result {
	r := Result{File: name, Problems: []config.Problem{}, Warnings: []config.Problem{}, Chains: []Chain{}}
	c, origins, warnings, err := files.Parse(o.Config)
	r.Warnings = append([]config.Problem{}, warnings...)
	var invalid *config.InvalidError
	if errors.As(err, &invalid) {
		r.Problems = invalid.Problems
		return r
	}
	r.Warnings = append(r.Warnings, slips(name, origins, c, o)...)
	for _, f := range families(o) {
		shown := Chain{Family: f.String()}
		if o.NFTables {
			shown.Table = o.Masq.Table(f, c).String()
		} else {
			shown.Restore = o.Masq.Chain(f, c).String()
		}
		r.Chains = append(r.Chains, shown)
	}
	return r
}

// Unreadable is the Result of a file that cannot be read.
func Unreadable(name string, err error) Result {
	r := Result{File: name, Warnings: []config.Problem{}, Chains: []Chain{}, unread: true}
	var invalid *config.InvalidError
	if errors.As(err, &invalid) {
		r.Problems = invalid.Problems
		return r
	}
	r.Problems = []config.Problem{{File: name, Reason: "cannot be read (" + err.Error() + ")", Remedy: "give a file, or - for the standard input"}}
	return r
}

func families(o Options) []netfilter.Family {
	if o.Config.IPv6 {
		return netfilter.Families()
	}
	return []netfilter.Family{netfilter.IPv4}
}
