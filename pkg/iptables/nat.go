// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	goiptables "github.com/coreos/go-iptables/iptables"

	"ip-masq-agent/pkg/netfilter"
)

// NAT is the nat table of one family, reached through one backend's commands.
// It is not safe for concurrent use; two NATs of different families are apart.
type NAT struct {
	family  netfilter.Family
	backend Backend
	tool    *goiptables.IPTables // nil until a command was found and answered
	path    string               // the command tool runs
	meter   netfilter.Meter

	verified *mark // what the kernel showed when it last held what was wanted, which was
	chain    Chain
}

// NewNAT returns the table. The command is looked for at the first use, and at
// the next one again if it was missing, so that one family's missing command
// is an error of that family's alone.
func NewNAT(family netfilter.Family, backend Backend) *NAT {
	return &NAT{family: family, backend: backend}
}

// maxRounds bounds Apply: read, write, read to verify, and once more for a
// writer that came in between.
const maxRounds = 3

// Apply makes the kernel hold exactly the wanted chain and exactly one jump to
// it. What differs is written in one commit: a packet meets all of the old
// rules or all of the new. Where nothing differs nothing is written. On an
// error the kernel holds what it held, or what another writer made of it.
func (n *NAT) Apply(ctx context.Context, want Chain) (netfilter.Report, error) {
	n.verified = nil
	if err := n.open(ctx); err != nil {
		return netfilter.Report{}, err
	}
	if !n.tool.HasRandomFully() {
		want = want.withoutRandomFully()
	}
	var report netfilter.Report
	began := childCPU()
	for range maxRounds {
		mark, _ := n.mark() // before the read; where it fails, so will Look, and say why
		have, err := n.read(ctx, want.Name)
		if err != nil {
			return netfilter.Report{}, err
		}
		n.meter.Read(have.chain.Traffic())
		report.Traffic = n.meter.Total()
		p := newPlan(have, want)
		if p.empty() {
			n.verified, n.chain = &mark, want
			report.Cost = childCPU() - began
			report.Rules = len(want.Rules)
			return report, nil
		}
		if err := n.restore(ctx, p.input(want)); err != nil {
			return netfilter.Report{}, err
		}
		report.WroteChain = report.WroteChain || p.chain
		report.WroteJump = report.WroteJump || len(p.jump) > 0
		if p.chain {
			n.meter.Rewritten()
		}
	}
	return netfilter.Report{}, fmt.Errorf("%s chain %s still differs after %d writes: something else keeps changing it, or the kernel reads a rule back as another", n.family, want.Name, maxRounds)
}

// HasRules tells whether the kernel holds a chain of that name with rules in it.
func (n *NAT) HasRules(ctx context.Context, chain string) (bool, error) {
	if err := n.open(ctx); err != nil {
		return false, err
	}
	l, err := n.list(ctx, chain, n.tool.List)
	if errors.Is(err, errHidden) {
		return true, nil
	}
	return len(l.Entries) > 0, err
}

// open finds the family's command and asks for its version, once.
func (n *NAT) open(ctx context.Context) error {
	if n.tool != nil {
		return nil
	}
	path, err := find(ctx, n.backend, n.family)
	if err != nil {
		return err
	}
	protocol := goiptables.ProtocolIPv4
	if n.family == netfilter.IPv6 {
		protocol = goiptables.ProtocolIPv6
	}
	var tool *goiptables.IPTables
	err = watched(ctx, func() (err error) {
		tool, err = goiptables.New(goiptables.IPFamily(protocol), goiptables.Timeout(lockWait), goiptables.Path(path))
		return err
	})
	if err != nil {
		return fmt.Errorf("asking %s for its version: %w", path, err)
	}
	n.tool, n.path = tool, path
	return nil
}

// read reads the two chains that matter. Reading the table whole would cost
// seconds, and 100 MiB, on a node with many services.
func (n *NAT) read(ctx context.Context, chain string) (state, error) {
	own, err := n.list(ctx, chain, n.tool.ListWithCounters)
	if err != nil && !errors.Is(err, errHidden) { // what is hidden in our own chain goes with the next write
		return state{}, err
	}
	entries, err := n.list(ctx, postrouting, n.tool.List)
	return state{chain: own, postrouting: entries}, err
}

// list reads a chain; one that is not there is no error: iptables exits with 1
// then, and with another code for all that keeps it from looking.
func (n *NAT) list(ctx context.Context, chain string, list func(table, chain string) ([]string, error)) (Listing, error) {
	var lines []string
	err := watched(ctx, func() (err error) {
		lines, err = list(natTable, chain)
		return err
	})
	switch {
	case exited(err, 1) && !n.hides(chain):
		return newListing(chain, nil), nil
	case exited(err, 1):
		return Listing{Name: chain, Exists: true}, fmt.Errorf("reading %s chain %s with %s: %w: %w", n.family, chain, n.path, errHidden, clipped(err))
	case err != nil:
		return Listing{}, fmt.Errorf("reading %s chain %s with %s: %w", n.family, chain, n.path, clipped(err))
	}
	return newListing(chain, lines), nil
}

// errHidden is the error of a chain that is there, but cannot be shown.
var errHidden = errors.New("it has rules that iptables cannot show, written with nft: remove them with nft, or move them to a table of their own")

// hides tells a chain that iptables-nft cannot show from one that is not there.
// For both it exits with 1 and says "is incompatible, use 'nft' tool": a native
// nft rule in a chain hides all of it. To take such a POSTROUTING for an empty
// one would be to append a jump to it at each pass.
func (n *NAT) hides(chain string) bool {
	if chain == postrouting {
		return true // it is always there
	}
	if n.backend != NFT {
		return false
	}
	exists, err := nftHasChain(n.family, chain)
	return err == nil && exists
}

// restore commits an input, all of it or nothing.
func (n *NAT) restore(ctx context.Context, input string) error {
	args := []string{"--noflush"}
	// iptables-restore knows -w since 1.6.2, as MASQUERADE knows --random-fully.
	if n.tool.HasRandomFully() {
		args = append(args, "-w", strconv.Itoa(lockWait))
	}
	if _, err := run(ctx, input, n.path+"-restore", args...); err != nil {
		return fmt.Errorf("restoring %s rules: %w%s", n.family, err, failedLine(err, input))
	}
	return nil
}

// failedLine returns the line of input an error of iptables-restore names, as
// "line 3 failed" or "Error occurred at line: 3".
func failedLine(err error, input string) string {
	found := regexp.MustCompile(`line:? (\d+)`).FindStringSubmatch(err.Error())
	if found == nil {
		return ""
	}
	n, _ := strconv.Atoi(found[1])
	lines := strings.Split(input, "\n")
	if n < 1 || n > len(lines) || lines[n-1] == "" {
		return ""
	}
	return fmt.Sprintf(" (line %d is %q)", n, lines[n-1])
}
