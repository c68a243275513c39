// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// difference is the difference between the kernel's table and a layout.
type difference struct {
	// structure describes a difference that an exchange of elements of sets cannot
	// repair; empty if there is none.
	structure string
	missing   bool // there is no table
	inactive  bool // packets do not pass the table: no base chain, or dormant
	sets      []setDifference
}

// setDifference contains the elements to remove from a named set, and to add.
type setDifference struct {
	set         *setLayout
	remove, add []elementLayout
}

// flagOwner is NFT_TABLE_F_OWNER of linux/netfilter/nf_tables.h, Linux 5.12.
const flagOwner = 2

// MissingTable is the line of [Table.Differences] for a missing table.
const MissingTable = "the table is missing"

// empty reports whether the kernel's table is as it should be.
func (d difference) empty() bool { return d.structure == "" && len(d.sets) == 0 }

// compare finds the differences by meaning. Comments are compared only where
// the kernel returned one, since old kernels do not store those of tables and
// sets; what rules counted is not compared.
func (l layout) compare(k kernelTable) difference {
	if !k.exists() {
		return difference{structure: MissingTable, missing: true, inactive: true}
	}
	if flags := k.header.uint32(unix.NFTA_TABLE_FLAGS); flags != 0 {
		d := difference{structure: fmt.Sprintf("the table has flags %#x", flags), inactive: flags&unix.NFT_TABLE_F_DORMANT != 0}
		if flags&flagOwner != 0 {
			d.structure = "the table has the flag owner, so only the process that owns it can change it; nft list table names it after the word progname"
		}
		return d
	}
	for _, c := range l.chains {
		if what := c.compare(k); what != "" {
			return difference{structure: what, inactive: c.base}
		}
	}
	// Chains, named sets, objects and flowtables.
	if have, want := k.header.uint32(unix.NFTA_TABLE_USE), l.objects(); have != want {
		return difference{structure: fmt.Sprintf("the table has %d chains, sets and other objects instead of %d", have, want)}
	}
	if c, ok := userComment(k.header.attributes[tableUserdata]); ok && c != l.comment {
		return difference{structure: "the table has another comment"}
	}
	for _, c := range l.chains {
		if what := c.compareRules(k); what != "" {
			return difference{structure: what}
		}
	}
	var d difference
	for _, s := range l.sets {
		have := k.sets[s.name]
		if have == nil || !s.sameKind(have) {
			return difference{structure: "set " + s.name + " is missing or of another kind"}
		}
		if e := s.compare(have); len(e.remove)+len(e.add) > 0 {
			d.sets = append(d.sets, e)
		}
	}
	return d
}

// objects is what the kernel counts as the use of the table: its chains and its
// sets, except the anonymous ones, which belong to rules.
func (l layout) objects() uint32 { return uint32(len(l.chains) + len(l.sets)) }

// compare compares the chain without its rules.
func (c chainLayout) compare(k kernelTable) string {
	m, ok := k.chains[c.name]
	if !ok {
		return "chain " + c.name + " is missing"
	}
	hook, err := m.nested(unix.NFTA_CHAIN_HOOK)
	switch {
	case err != nil:
		return fmt.Sprintf("chain %s: %v", c.name, err)
	case !c.base && m.has(unix.NFTA_CHAIN_HOOK):
		return "chain " + c.name + " is a base chain"
	case !c.base:
		return ""
	case m.string(unix.NFTA_CHAIN_TYPE) != natType,
		hook.uint32(unix.NFTA_HOOK_HOOKNUM) != unix.NF_INET_POST_ROUTING,
		hook.uint32(unix.NFTA_HOOK_PRIORITY) != postroutingPriority,
		m.uint32(unix.NFTA_CHAIN_POLICY) != verdictAccept:
		return "chain " + c.name + " has another type, hook, priority or policy"
	}
	return ""
}

func (c chainLayout) compareRules(k kernelTable) string {
	have := k.rules[c.name]
	if len(have) != len(c.rules) {
		return fmt.Sprintf("chain %s has %d rules instead of %d", c.name, len(have), len(c.rules))
	}
	for i, r := range c.rules {
		if !r.same(have[i], k.sets) {
			return fmt.Sprintf("rule %d of chain %s is not %q", i+1, c.name, r.text)
		}
	}
	return ""
}

// same reports whether the kernel's rule is this one, and has its comment.
func (r ruleLayout) same(have message, sets map[string]*set) bool {
	comment, _ := userComment(have.attributes[unix.NFTA_RULE_USERDATA])
	if comment != r.comment || have.has(unix.NFTA_RULE_COMPAT) {
		return false
	}
	i, same := 0, true
	err := eachExpression(have, func(name string, data attributes) error {
		same = same && i < len(r.expressions) && r.expressions[i].same(name, data, sets)
		i++
		return nil
	})
	return err == nil && same && i == len(r.expressions)
}

func (e expr) same(name string, data attributes, sets map[string]*set) bool {
	if name != e.name {
		return false
	}
	if e.name == "counter" {
		return true
	}
	if e.set != nil {
		found := data.string(unix.NFTA_LOOKUP_SET)
		have := sets[found]
		if have == nil || !e.set.sameKind(have) {
			return false
		}
		if e.set.anonymous {
			d := e.set.compare(have)
			if len(d.remove)+len(d.add) > 0 {
				return false
			}
		} else if found != e.set.name {
			return false
		}
		delete(data, unix.NFTA_LOOKUP_SET)
	}
	return sameAttributes(e.attributes, data)
}

// lines returns one line for each difference. Elements are as nft(8) prints them,
// after "- " if they are missing and after "+ " if they are unexpected.
func (d difference) lines() []string {
	if d.structure != "" {
		return []string{d.structure}
	}
	var out []string
	for _, s := range d.sets {
		for _, e := range s.add {
			out = append(out, "- element "+s.set.elementText(e)+s.set.of())
		}
		for _, e := range s.remove {
			out = append(out, "+ element "+s.set.foundText(e)+s.set.of())
		}
	}
	return out
}

// String is a summary of lines for errors.
func (d difference) String() string {
	lines := d.lines()
	if more := len(lines) - 3; more > 0 {
		lines = append(lines[:3], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "; ")
}

// rules returns the number of rules of the table.
func (l layout) rules() int {
	n := 0
	for _, c := range l.chains {
		n += len(c.rules)
	}
	return n
}
