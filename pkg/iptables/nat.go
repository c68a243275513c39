// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	goiptables "github.com/coreos/go-iptables/iptables"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

// NAT is the nat table of one family in iptables-nft or iptables-legacy. It writes
// with iptables-restore. It reads the rules of iptables-nft from the kernel over
// netlink, because iptables misprints or hides rules that it did not write. It reads
// those of iptables-legacy with getsockopt(2), or with iptables-legacy-save if there
// are rules that the agent does not write.
//
// A NAT is not safe for concurrent use. Two NATs share nothing.
type NAT struct {
	family  netfilter.Family
	backend Backend
	path    string // of the command; empty until it is found
	// hasRandomFully means that the command is 1.6.2 or later, which also has -w
	// for iptables-restore.
	hasRandomFully bool
	conn           *nftables.Conn // nil until it is needed; of iptables-nft
	info           *infoSocket    // nil until it is needed; of iptables-legacy
	counters       counters

	verified *snapshot // the state of the kernel at the last successful Apply
	chain    Chain     // the chain of that Apply
}

// NewNAT returns the nat table of a family in a backend. It looks for the command at
// the first use, and again as long as the command is missing.
func NewNAT(f netfilter.Family, b Backend) *NAT { return &NAT{family: f, backend: b} }

// maxRounds is the maximum number of rounds of Apply: read and write, read to
// verify, and one more in case another program wrote in between.
const maxRounds = 3

// ErrDormant is the error of a nat table with the flag dormant: the kernel holds its
// rules but does not apply them.
var ErrDormant = errors.New("the table is dormant, so none of its rules is in force")

// ErrNoHook is the error of a chain POSTROUTING that packets do not pass.
var ErrNoHook = errors.New("packets do not pass the chain, because it is not of type nat at the hook postrouting")

// Apply makes the kernel hold exactly the desired chain and one jump to it. It
// writes the differences in one commit, so that each packet passes all of the old
// rules or all of the new ones. It writes nothing if nothing differs. After an error
// the kernel holds the rules that it held before, or what another program made of
// them.
func (n *NAT) Apply(ctx context.Context, want Chain) (netfilter.Report, error) {
	n.verified = nil
	if err := n.open(ctx); err != nil {
		return netfilter.Report{}, err
	}
	if !n.hasRandomFully {
		want = want.WithoutRandomFully()
	}
	report := netfilter.Report{Rules: len(want.Rules)}
	runtime.LockOSThread() // for ThreadCPU
	defer runtime.UnlockOSThread()
	began := cpu()
	for range maxRounds {
		snapshot, _ := n.snapshot() // before the read; if it fails, Change reports why
		have, err := n.read(ctx, want.Name)
		if err != nil {
			return netfilter.Report{}, err
		}
		if n.backend == NFT && have.postrouting != nil && !have.postrouting.Base {
			chain := n.family.NFT() + " nat " + postrouting
			return netfilter.Report{}, fmt.Errorf("chain %s of nf_tables: %w; to have it created again, run: nft 'flush chain %s; delete chain %s'", chain, ErrNoHook, chain, chain)
		}
		report.Traffic = n.counters.read(n.family, have, want)
		p := newPlan(n.family, have, want)
		if p.empty() {
			if have.dormant {
				return netfilter.Report{}, fmt.Errorf("table %s nat of nf_tables: %w: to put them in force again, run: nft add table %s nat", n.family.NFT(), ErrDormant, n.family.NFT())
			}
			n.verified, n.chain = &snapshot, want
			report.Cost = cpu() - began
			return report, nil
		}
		if err := n.restore(ctx, p.input(want)); err != nil {
			return netfilter.Report{}, err
		}
		report.WroteChain = report.WroteChain || p.chain
		report.WroteJump = report.WroteJump || len(p.jump) > 0
		if p.chain {
			n.counters.rewritten()
		}
		if n.backend == Legacy && n.provedByWrite(snapshot, p.entries(have, want)) {
			n.chain = want
			report.Cost = cpu() - began
			return report, nil
		}
	}
	return netfilter.Report{}, fmt.Errorf("%s chain %s still differs from the desired one after %d writes: another program keeps changing it, or the kernel returns a rule in another form", n.family, want.Name, maxRounds)
}

// cpu returns the CPU time of this thread and of all child processes that ended.
func cpu() time.Duration { return nftables.ThreadCPU() + childCPU() }

// provedByWrite reports whether the success of iptables-restore proves that the
// table of iptables-legacy holds the desired rules. iptables-restore replaces the
// whole table under a lock. If no other program wrote since the table was read, the
// number of entries is the expected one. Another read would cost as much as the
// write.
func (n *NAT) provedByWrite(before snapshot, added int) bool {
	after, err := n.snapshot()
	if err != nil || before.legacy.numEntries == 0 || int(after.legacy.numEntries) != int(before.legacy.numEntries)+added {
		return false
	}
	n.verified = &after
	return true
}

// HasRules reports whether the kernel holds a chain of that name with rules.
func (n *NAT) HasRules(ctx context.Context, chain string) (bool, error) {
	have, err := n.read(ctx, chain)
	return len(have.rules()) > 0, err
}

// Reconnect adds the jump to a chain with rules that no rule of POSTROUTING jumps to.
// It does not change the chain. It reports whether it added the jump.
func (n *NAT) Reconnect(ctx context.Context, c Chain) (bool, error) {
	have, err := n.read(ctx, c.Name)
	if err != nil || len(have.rules()) == 0 || len(findJumps(n.family, have.postrouting, c)) > 0 {
		return false, err
	}
	if err := n.open(ctx); err != nil {
		return false, err
	}
	return true, n.restore(ctx, "*nat\n"+c.jump()+"COMMIT\n")
}

// open finds the command of the family and its options, once. A command that has the
// backend in its name is of version 1.8 or later. For others go-iptables knows which
// options a version has. It runs the command without a time limit, so open runs it
// with one first.
func (n *NAT) open(ctx context.Context) error {
	if n.path != "" {
		return nil
	}
	path, err := find(ctx, n.backend, n.family)
	if err != nil {
		return err
	}
	if filepath.Base(path) == n.backend.Command(n.family) {
		n.path, n.hasRandomFully = path, true
		return nil
	}
	if _, err := version(ctx, path); err != nil {
		return fmt.Errorf("asking %s for its version: %w", path, err)
	}
	protocol := goiptables.ProtocolIPv4
	if n.family == netfilter.IPv6 {
		protocol = goiptables.ProtocolIPv6
	}
	tool, err := goiptables.New(goiptables.IPFamily(protocol), goiptables.Timeout(lockWait), goiptables.Path(path))
	if err != nil {
		return fmt.Errorf("asking %s for its version: %w", path, err)
	}
	n.path, n.hasRandomFully = path, tool.HasRandomFully()
	return nil
}
