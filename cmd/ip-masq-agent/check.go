// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"errors"
	"io"
	"os"

	"ip-masq-agent/pkg/check"
	"ip-masq-agent/pkg/config"
)

const checkAbout = `check reads files as the agent would, and says what is wrong with them, or the
chain that it would write. A file is what the agent reads, or a manifest with one
or more ConfigMaps that have it as their key "config"; - is the standard input.
It touches nothing and needs no node.`

func checkFlags(f *flags) {
	f.ruleFlags()
	set := f.group("Check")
	f.reservedFlag(set)
	set.Var(&f.pods, "pod-cidr", "`ranges` of the cluster's pods; warn if the file does not keep the address to them")
	set.Var(&f.nodes, "node-cidr", "`ranges` of the cluster's nodes, likewise")
	set.BoolVar(&f.lenient, "allow-warnings", false, "end with status 0 if there are only warnings")
}

func runCheck(_ context.Context, f *flags, stdout io.Writer) error {
	options := check.Options{Config: f.config, Masq: f.masq, Pods: f.pods, Nodes: f.nodes}
	results := []check.Result{}
	for _, name := range f.operands {
		data, shown, err := readOperand(name)
		if err != nil {
			results = append(results, check.Unreadable(shown, err))
			continue
		}
		results = append(results, check.File(shown, data, options)...)
	}
	print := check.Write
	if f.output == outputJSON {
		print = func(w io.Writer, r []check.Result) error { return printJSON(w, r) }
	}
	if err := print(stdout, results); err != nil {
		return err
	}
	for _, r := range results {
		if len(r.Problems) > 0 || len(r.Warnings) > 0 && !f.lenient {
			return errFound
		}
	}
	return nil
}

// readOperand reads a file, or the standard input, no further than a ConfigMap
// goes; and returns what to call it.
func readOperand(name string) ([]byte, string, error) {
	if name != "-" {
		data, err := config.Read(name)
		return data, name, err
	}
	const limit = 1 << 20 // as config.Read
	data, err := io.ReadAll(io.LimitReader(os.Stdin, limit+1))
	if len(data) > limit {
		err = errors.New("it is over 1 MiB, more than a ConfigMap can hold")
	}
	return data, "(stdin)", err
}
