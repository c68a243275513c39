// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

// ErrNone means that the node has no backend that can be used.
var ErrNone = errors.New("no usable backend")

// Query holds the flags that Detect depends on.
type Query struct {
	Prefer   Name // Auto, or the backend to use
	Chain    string
	Families []netfilter.Family // that are enabled
	ToPorts  bool               // --to-ports is given, so rules need more extensions
	Excluded []Name             // backends of iptables whose commands do not run
}

// Detect chooses the backend. The first of these applies:
//
//  1. the backend that --backend names;
//  2. the backend of iptables in which the kubelet left a mark;
//  3. the one whose nat table has the agent's chain;
//  4. the one that plain iptables writes to;
//  5. iptables-nft.
//
// In steps 2 to 5 it considers only backends whose commands exist. It chooses
// nftables if there is no usable iptables, and in place of iptables-nft if the kernel
// lacks an extension that the rules need there.
//
// Detect creates no table, and starts no process where the kernel can answer. If
// ctx is done before the detection is, the error is not ErrNone.
func Detect(ctx context.Context, q Query) (Choice, error) {
	d := detector{query: q}
	d.conn, d.noNFTables = nftables.Dial()
	if d.conn != nil {
		defer d.conn.Close()
	}
	if q.Prefer != Auto {
		return Choice{Backend: q.Prefer, Reason: "--backend names it", Marked: true}, d.unusable(ctx, q.Prefer)
	}
	choice := d.choose(ctx)
	choice.Unread = d.unread
	switch {
	case ctx.Err() != nil:
		return Choice{}, fmt.Errorf("choosing the backend: %w", errors.Join(append([]error{context.Cause(ctx)}, d.missing...)...))
	case choice.Backend == "":
		return Choice{}, fmt.Errorf("%w: %w", ErrNone, errors.Join(d.missing...))
	}
	return choice, nil
}

// detector is one detection. It caches what is needed several times.
type detector struct {
	query        Query
	conn         *nftables.Conn // nil if nf_tables cannot be used
	noNFTables   error          // why it cannot
	missing      []error        // why a backend cannot be used
	unread       error          // what could not be read
	legacyChains map[netfilter.Family]map[string][]string
}

// choose returns the backend to use; it is empty if there is none.
func (d *detector) choose(ctx context.Context) Choice {
	choice, ok := d.chooseIPTables(ctx)
	switch {
	case !ok && d.withoutNFTables():
		d.missing = append(d.missing, d.noNFTables)
		return Choice{}
	case !ok:
		return Choice{Backend: NFTables, Reason: "there is no usable iptables: " + oneLine(d.missing)}
	case choice.Backend != IPTablesNFT || d.conn == nil:
		return choice
	}
	missing, err := d.missingExtension()
	d.unread = errors.Join(d.unread, err)
	if missing != "" {
		choice.Backend = NFTables
		choice.Reason = fmt.Sprintf("the kernel lacks %s, without which iptables-nft cannot hold the agent's rules", missing)
	}
	return choice
}

// oneLine joins errors with semicolons, for a reason that is logged in one line.
func oneLine(errs []error) string {
	var all []string
	for _, err := range errs {
		all = append(all, strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return strings.Join(all, "; ")
}

// chooseIPTables chooses among the backends of iptables, and checks that the
// command of the chosen one works. It returns false if none works.
func (d *detector) chooseIPTables(ctx context.Context) (Choice, bool) {
	var found []iptables.Backend
	for _, b := range []iptables.Backend{iptables.NFT, iptables.Legacy} {
		if slices.Contains(d.query.Excluded, Name(b)) {
			d.missing = append(d.missing, fmt.Errorf("%s does not run", b))
			continue
		}
		if err := iptables.Find(ctx, b, netfilter.IPv4); err != nil {
			d.missing = append(d.missing, err)
			continue
		}
		found = append(found, b)
	}
	for len(found) > 0 && ctx.Err() == nil {
		choice := d.chooseAmong(ctx, found)
		b := iptables.Backend(choice.Backend)
		err := iptables.Usable(ctx, b, netfilter.IPv4)
		if err == nil {
			return choice, true
		}
		d.missing = append(d.missing, err)
		found = slices.DeleteFunc(found, func(o iptables.Backend) bool { return o == b })
	}
	return Choice{}, false
}

// chooseAmong chooses among the backends of iptables that have commands.
func (d *detector) chooseAmong(ctx context.Context, found []iptables.Backend) Choice {
	if len(found) == 1 {
		return Choice{Backend: Name(found[0]), Reason: fmt.Sprintf("only the commands of %s are there", found[0]), Marked: true}
	}
	if marked, where := d.findMark(ctx); marked != "" {
		return Choice{Backend: marked, Reason: where, Marked: true}
	}
	nft, legacy := d.holdsChain(ctx, iptables.NFT), d.holdsChain(ctx, iptables.Legacy)
	const hasChain = "its nat table already has the agent's chain"
	switch {
	case nft && !legacy:
		return Choice{Backend: IPTablesNFT, Reason: hasChain}
	case legacy && !nft:
		return Choice{Backend: IPTablesLegacy, Reason: hasChain}
	}
	if plain := iptables.Plain(ctx); plain != "" {
		return Choice{Backend: Name(plain), Reason: "plain iptables uses it"}
	}
	return Choice{Backend: Name(found[0]), Reason: "nothing shows which backend the node uses, and it is the newer one"}
}

// withoutNFTables reports whether the kernel has no nf_tables. Another failure, such
// as a missing capability, does not make the backend unusable: it may be temporary,
// and Apply reports it.
func (d *detector) withoutNFTables() bool { return errors.Is(d.noNFTables, errors.ErrUnsupported) }

// unusable returns why the requested backend cannot be used, and nil if it can.
func (d *detector) unusable(ctx context.Context, b Name) error {
	if b == NFTables {
		if d.withoutNFTables() {
			return fmt.Errorf("%w: --backend=%s: %w", ErrNone, b, d.noNFTables)
		}
		return nil
	}
	err := iptables.Usable(ctx, iptables.Backend(b), netfilter.IPv4)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("--backend=%s: %w", b, err)
	}
	return fmt.Errorf("%w: --backend=%s: %w", ErrNone, b, err)
}

// missingExtension returns an extension of x_tables that the rules need in
// iptables-nft and that the kernel lacks; empty if there is none.
func (d *detector) missingExtension() (string, error) {
	type extension struct {
		name     string
		revision uint8
		target   bool
	}
	needed := []extension{{name: "comment"}, {name: "addrtype", revision: 1}, {name: "MASQUERADE", target: true}}
	if d.query.ToPorts {
		needed = append(needed, extension{name: "statistic"})
	}
	for _, f := range d.query.Families {
		for _, e := range needed {
			has, err := d.conn.HasExtension(e.name, e.revision, e.target, f)
			if err != nil {
				return "", err
			}
			if !has {
				return fmt.Sprintf("xt_%s (%s)", e.name, f), nil
			}
		}
	}
	return "", nil
}
