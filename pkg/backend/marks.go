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
)

// kubeletMarks returns the chains that the kubelet creates in the backend that it
// and kube-proxy use: the first since Kubernetes 1.24, the second before.
func kubeletMarks() []string { return []string{"KUBE-IPTABLES-HINT", "KUBE-KUBELET-CANARY"} }

const mangle = "mangle"

// findMark returns the backend in which the kubelet left a mark, and describes the
// mark. iptables-nft takes precedence. The backend is empty if there is no mark.
// The mark may be in either family, even if IPv6 is not enabled.
func (d *detector) findMark(ctx context.Context) (b Name, where string) {
	for _, f := range netfilter.Families() {
		for _, chain := range kubeletMarks() {
			has, err := d.nftHas(f, mangle, chain)
			if has {
				return IPTablesNFT, describeMark(f, chain)
			}
			d.unread = errors.Join(d.unread, err)
		}
	}
	for _, f := range netfilter.Families() {
		for _, chain := range kubeletMarks() {
			if d.legacyHas(ctx, f, chain) {
				return IPTablesLegacy, describeMark(f, chain)
			}
		}
	}
	return "", ""
}

func describeMark(f netfilter.Family, chain string) string {
	return fmt.Sprintf("its %s tables have the kubelet's chain %s", f, chain)
}

func (d *detector) nftHas(f netfilter.Family, table, chain string) (bool, error) {
	if d.conn == nil {
		return false, nil
	}
	return d.conn.HasChain(f, table, chain)
}

// holdsChain reports whether the nat table of a backend has the agent's chain in
// either family.
func (d *detector) holdsChain(ctx context.Context, b iptables.Backend) bool {
	for _, f := range netfilter.Families() {
		if b == iptables.Legacy {
			if d.legacyHas(ctx, f, d.query.Chain, "nat") {
				return true
			}
			continue
		}
		has, err := d.nftHas(f, "nat", d.query.Chain)
		d.unread = errors.Join(d.unread, err)
		if has {
			return true
		}
	}
	return false
}

// legacyHas reports whether one of the named tables of iptables-legacy has a chain.
// Without names it checks all tables, because older kubelets mark others than
// mangle.
func (d *detector) legacyHas(ctx context.Context, f netfilter.Family, chain string, names ...string) bool {
	tables, err := iptables.LegacyTables(f)
	d.unread = errors.Join(d.unread, err)
	for _, table := range tables {
		if len(names) > 0 && !slices.Contains(names, table) {
			continue
		}
		has, known := iptables.HasLegacyChain(f, table, chain)
		if !known {
			has = slices.Contains(d.saved(ctx, f)[table], chain)
		}
		if has {
			return true
		}
	}
	return false
}

// saved returns the chains of the tables of iptables-legacy. It runs
// iptables-legacy-save once.
func (d *detector) saved(ctx context.Context, f netfilter.Family) map[string][]string {
	if chains, ok := d.legacyChains[f]; ok {
		return chains
	}
	chains, err := iptables.LegacyChains(ctx, f)
	d.unread = errors.Join(d.unread, err)
	if d.legacyChains == nil {
		d.legacyChains = map[netfilter.Family]map[string][]string{}
	}
	d.legacyChains[f] = chains
	return chains
}
