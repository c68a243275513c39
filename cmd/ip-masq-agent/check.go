// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"io"
	"os"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/check"
)

const checkAbout = `check reads files as the agent would, and says what is wrong with them, or the
rules that it would write. A file is what the agent reads, or a manifest with it in
a ConfigMap: the key that a DaemonSet of the agent in the same manifest mounts,
else "config" or "ip-masq-agent". Without flags of Rules it takes those of that
DaemonSet. A directory is read as --config reads it: its files are merged. If all
of them are manifests, each is checked on its own. - is the standard input. check
touches nothing and needs no node.`

func checkFlags(f *flags) {
	f.ruleFlags()
	set := f.group("Check")
	f.reservedFlag(set)
	set.Var(&f.pods, "pod-cidr", "`ranges` of the cluster's pods; warn if the file does not keep the address to them")
	set.Var(&f.nodes, "node-cidr", "`ranges` of the cluster's nodes, likewise")
	f.backendFlag(set, "`name` of the backend whose rules are shown: nftables shows a table, as input for nft -f, any other the chain, as input for iptables-restore")
	set.BoolVar(&f.strict, "strict", false, "end with status 1 if there are warnings, too")
}

func runCheck(_ context.Context, f *flags, stdout io.Writer) error {
	options := check.Options{Config: f.config, AutoIPv6: f.ipv6 == ipv6Auto, Masq: f.masq, Pods: f.pods, Nodes: f.nodes, WithFlags: f.withManifestFlags, NFTables: f.backend == backend.NFTables}
	results := []check.Result{}
	for _, path := range f.operands {
		results = append(results, check.Path(path, os.Stdin, options)...)
	}
	print := check.Write
	if f.output == outputJSON {
		print = func(w io.Writer, r []check.Result) error { return printJSON(w, r) }
	}
	if err := print(stdout, results); err != nil {
		return err
	}
	for _, r := range results {
		if len(r.Problems) > 0 || len(r.Warnings) > 0 && f.strict {
			return errFound
		}
	}
	return nil
}

// withManifestFlags returns options with the flags of a DaemonSet, but for those
// that were given to check itself.
func (f *flags) withManifestFlags(o check.Options, args []string) (check.Options, error) {
	theirs := othersFlags()
	if err := theirs.parse(args, 0, 0); err != nil {
		return o, err
	}
	take := func(name string, set func()) {
		if !f.all.Changed(name) {
			set()
		}
	}
	take("masq-chain", func() { o.Masq.ChainName = theirs.masq.ChainName })
	take("random-fully", func() { o.Masq.RandomFully = theirs.masq.RandomFully })
	take("to-ports", func() { o.Masq.ToPorts = theirs.masq.ToPorts })
	take("enable-ipv6", func() { o.Config.IPv6, o.AutoIPv6 = theirs.config.IPv6, theirs.ipv6 == ipv6Auto })
	take("backend", func() { o.NFTables = theirs.backend == backend.NFTables })
	take("nomasq-all-reserved-ranges", func() { o.Config.ReservedRanges = theirs.config.ReservedRanges })
	return o, nil
}
