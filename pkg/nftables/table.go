// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"

	"ip-masq-agent/pkg/netfilter"
)

// Table is the agent's table of one family. It is not safe for concurrent use;
// two Tables of different families share nothing.
type Table struct {
	family netfilter.Family
	conn   *Conn // nil until the first use, and after the kernel failed to answer
	meter  netfilter.Meter

	verified   bool   // the last Apply succeeded,
	generation uint32 // and this was the rule set's generation then
}

// NewTable returns the table of a family. The kernel is asked at the first use.
func NewTable(f netfilter.Family) *Table { return &Table{family: f} }

// maxRounds is the maximum number of rounds of Apply: read and write, read to
// verify, and two more in case another program wrote in between, or the kernel
// rejected the first write.
const maxRounds = 4

// Apply makes the kernel hold exactly the desired table. It writes the differences
// in one transaction, and reads the table back. If only ranges differ, it exchanges
// only elements of sets, so that rules keep their handles and counters. If anything
// else differs, or another program added something to the table, it replaces the
// whole table. After an error the kernel holds the table that it held before, or
// what another program made of it.
func (t *Table) Apply(ctx context.Context, want Spec) (netfilter.Report, error) {
	runtime.LockOSThread() // for ThreadCPU
	defer runtime.UnlockOSThread()
	began := ThreadCPU()
	t.verified = false
	if want.Family != t.family {
		return netfilter.Report{}, fmt.Errorf("writing table %s: the ranges are of %s", t.name(), want.Family)
	}
	if err := t.open(); err != nil {
		return netfilter.Report{}, err
	}
	l := want.layout()
	report := netfilter.Report{Rules: l.rules()}
	var d difference
	rejected := false // the kernel did not exchange elements
	for range maxRounds {
		var err error
		if d, err = t.verify(ctx, l, &report); err != nil {
			return netfilter.Report{}, err
		}
		if d.empty() {
			report.Cost = ThreadCPU() - began
			return report, nil
		}
		replace := rejected || d.structure != ""
		err = t.write(ctx, l, d, replace)
		switch {
		case err == nil:
			report.WroteChain = report.WroteChain || !d.inactive || d.missing
			report.WroteJump = report.WroteJump || d.inactive
		case replace:
			return netfilter.Report{}, err
		default:
			klog.FromContext(ctx).V(1).Info("The kernel rejected an exchange of elements, replacing the table", "table", t.name(), "err", err)
			rejected = true
		}
	}
	return netfilter.Report{}, fmt.Errorf("table %s still differs after %d writes (%s): another program keeps changing it, or the kernel returns something else than was written", t.name(), maxRounds, d)
}

// verify reads the table and compares it with the layout. If they do not differ,
// Change compares with the generation that it read.
func (t *Table) verify(ctx context.Context, l layout, report *netfilter.Report) (difference, error) {
	if err := ctx.Err(); err != nil {
		return difference{}, err
	}
	generation, err := t.conn.Generation() // before the reading, so that a later commit shows
	if err != nil {
		return difference{}, err
	}
	k, err := t.conn.readBack(l)
	if err != nil {
		return difference{}, err
	}
	if report.Traffic, err = t.read(k); err != nil {
		return difference{}, err
	}
	d := l.compare(k)
	t.verified, t.generation = d.empty(), generation
	return d, nil
}

// write replaces the table, or only exchanges the elements that differ.
func (t *Table) write(ctx context.Context, l layout, d difference, replace bool) error {
	operations := d.compile(l.family)
	if replace {
		operations = l.compile()
	}
	if err := commit(ctx, operations); err != nil {
		return fmt.Errorf("writing table %s: %w%s", t.name(), err, t.owned(err))
	}
	if replace {
		t.meter.Rewritten()
	}
	return nil
}

// name is the table's name as nft(8) prints it.
func (t *Table) name() string { return t.family.NFT() + " " + TableName }

// Differences returns the differences between the kernel's table and the desired
// one, one line for each. Lines about elements of sets begin with "- " if the
// elements are missing, and with "+ " if they are unexpected. It writes nothing.
func (t *Table) Differences(want Spec) ([]string, error) {
	if err := t.open(); err != nil {
		return nil, err
	}
	l := want.layout()
	k, err := t.conn.readBack(l)
	if err != nil {
		return nil, err
	}
	return l.compare(k).lines(), nil
}

// Exists reports whether the kernel has a table of the agent's name, with any
// content.
func (t *Table) Exists(context.Context) (bool, error) {
	if err := t.open(); err != nil {
		return false, err
	}
	info, err := t.conn.Table(t.family, TableName)
	return info.Exists, err
}

// HasRules reports whether the kernel's table has any rule. A table that was flushed
// has none, and masquerades nothing.
func (t *Table) HasRules(context.Context) (bool, error) {
	if err := t.open(); err != nil {
		return false, err
	}
	found, err := t.conn.hasRules(t.family)
	if err != nil {
		return false, fmt.Errorf("reading the rules of table %s: %w", t.name(), err)
	}
	return found, nil
}

// Change compares the generation of the rule set with that of the last Apply. It
// takes a few microseconds, and does not block.
func (t *Table) Change() (netfilter.Change, error) {
	if !t.verified {
		return netfilter.ChangeUnknown, nil
	}
	now, err := t.conn.Generation()
	switch {
	case err != nil:
		return netfilter.ChangeUnknown, err
	case now != t.generation:
		return netfilter.Changed, nil
	}
	return netfilter.Unchanged, nil
}

// Remove deletes the table in one transaction. It reports whether there was one.
func (t *Table) Remove(ctx context.Context) (bool, error) {
	t.verified = false
	err := commit(ctx, compileRemoval(t.family))
	switch {
	case absent(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("removing table %s: %w%s", t.name(), err, t.owned(err))
	}
	return true, nil
}

// owned returns the reason, for an error, why the table can be read but not written:
// a process created it with the flag owner, and only that process may change it.
func (t *Table) owned(err error) string {
	if errors.Is(err, unix.EPERM) {
		return fmt.Sprintf(": the process that owns the table must end first; nft list table %s names it after the word progname", t.name())
	}
	return ""
}

func (t *Table) open() error {
	if t.conn != nil {
		return nil
	}
	conn, err := Dial()
	if err == nil {
		t.conn = conn
	}
	return err
}
