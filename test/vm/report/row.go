// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// row is the node's line of the table whose head run.sh prints.
func (r *report) row(suite, kind, versions string, took time.Duration) (string, error) {
	version, err := readVersions(versions)
	if err != nil {
		return "", err
	}
	modules := map[string]string{"full": "all", "el10": "no nft_compat, xt_*, ip_tables"}[kind]
	var total result
	var names []string
	for _, p := range r.packages {
		if len(names) == 0 || names[len(names)-1] != p.name {
			names = append(names, p.name)
		}
		total.passed += p.passed
		total.wrong += p.wrong
		total.missed += p.missed
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %d | %d | %d | %.0f |\n", suite, r.kernel, version["iptables"], version["nftables"],
		modules, strings.Join(names, ", "), total.passed, total.wrong, total.missed, took.Seconds()), nil
}

// readVersions reads the upstream version of each package, "1.8.11" of
// "iptables 1.8.11-2".
func readVersions(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			if i := strings.LastIndex(version, "-"); i > 0 {
				version = version[:i]
			}
			versions[name] = version
		}
	}
	return versions, nil
}
