// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"io"
	"os"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/check"
	"ip-masq-agent/pkg/flags"
)

const checkAbout = `check validates configuration files, and prints the rules that the agent would
write. It changes nothing and needs no node. A FILE is one of these:
- a file as the agent reads it
- a directory as --config reads it: its files are merged; but if all of them are
  manifests, each is checked on its own
- a manifest with a ConfigMap. If a DaemonSet of the agent in the same manifest
  mounts the ConfigMap, check uses the key that it mounts and its flags, except
  those that are set here. Otherwise it uses the key "config" or "ip-masq-agent"
- - for the standard input`

func checkFlags(set *flags.Set) runFunc {
	set.AddRules()
	group := set.Group("Check")
	set.AddReserved(group)
	var pods, nodes flags.Prefixes
	group.Var(&pods, "pod-cidr", "`ranges` of the cluster's pods; warn if traffic to them would be masqueraded, or traffic from them would not")
	group.Var(&nodes, "node-cidr", "`ranges` of the cluster's nodes; warn if traffic to them would be masqueraded")
	set.AddBackendWithUsage(group, "`name` of the backend whose rules are printed: nftables prints a table, as input for nft -f, any other a chain, as input for iptables-restore")
	strict := group.Bool("strict", false, "exit with status 1 if there are warnings")
	return func(_ context.Context, stdout io.Writer) error {
		o := check.Options{Pods: pods, Nodes: nodes, WithFlags: withManifestFlags(set)}
		setOptions(&o, set.Options)
		results := []check.Result{}
		for _, path := range set.Args {
			results = append(results, check.Path(path, os.Stdin, o)...)
		}
		if err := printResults(stdout, set.Output, results); err != nil {
			return err
		}
		for _, r := range results {
			if len(r.Problems) > 0 || len(r.Warnings) > 0 && *strict {
				return errFound
			}
		}
		return nil
	}
}

func printResults(w io.Writer, output string, results []check.Result) error {
	if output == flags.JSON {
		return printJSON(w, results)
	}
	return check.Write(w, results)
}

// setOptions sets the options that are flags of the agent.
func setOptions(o *check.Options, agent flags.Options) {
	o.Config, o.Masq = agent.Config, agent.Masq
	o.AutoIPv6, o.NFTables = agent.IPv6 == flags.IPv6Auto, agent.Backend == backend.NFTables
}

// withManifestFlags returns a function that sets the options of an agent in a
// manifest. Flags that are set on this command line have precedence.
func withManifestFlags(set *flags.Set) func(check.Options, []string) (check.Options, error) {
	return func(o check.Options, args []string) (check.Options, error) {
		manifest := flags.NewOtherAgent()
		if err := manifest.Parse(args); err != nil {
			return o, err
		}
		if len(manifest.Args) > 0 {
			return o, unexpectedArgument(manifest.Args[0])
		}
		setOptions(&o, set.Merge(manifest.Options))
		return o, nil
	}
}
