// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/printable"
)

// extension is a match or a target of x_tables inside a rule. Its data is the C
// structure of linux/netfilter/xt_*.h, padded at the end, with numbers in the
// byte order of the host.
type extension struct {
	name     string
	revision uint32
	info     []byte
}

// is reports whether this is a revision whose data has the expected length.
func (e extension) is(name string, revision uint32, length int) bool {
	return e.name == name && e.revision == revision && len(e.info) >= length
}

// match decodes a match of x_tables.
func (d *decoder) match(a attributes) {
	e := extension{a.string(unix.NFTA_MATCH_NAME), a.uint32(unix.NFTA_MATCH_REV), a[unix.NFTA_MATCH_INFO]}
	switch {
	case e.is("comment", 0, 1):
		d.rule.Comment = unix.ByteSliceToString(e.info)
		d.clauses = append(d.clauses, clause{byMatch, "-m comment --comment " + iptablesString(d.rule.Comment), "comment " + quoted(d.rule.Comment), -1})
	case e.is("addrtype", 1, 8):
		d.addrtype(d.host.Uint16(e.info), d.host.Uint16(e.info[2:]), d.host.Uint32(e.info[4:]))
	case e.is("addrtype", 0, 12):
		flags := uint32(0)
		if d.host.Uint32(e.info[4:]) != 0 {
			flags |= addrtypeInvertSource
		}
		if d.host.Uint32(e.info[8:]) != 0 {
			flags |= addrtypeInvertDestination
		}
		d.addrtype(d.host.Uint16(e.info), d.host.Uint16(e.info[2:]), flags)
	case e.is("statistic", 0, 8) && d.host.Uint16(e.info) == 0: // XT_STATISTIC_MODE_RANDOM
		d.statistic(d.host.Uint32(e.info[4:]), d.host.Uint16(e.info[2:])&1 != 0)
	case e.is("mark", 1, 9):
		d.xtMark(d.host.Uint32(e.info), d.host.Uint32(e.info[4:]), e.info[8] != 0)
	default:
		d.add(netfilter.NotUnderstood(""), clause{order: byMatch, iptables: "-m " + printable.Line(e.name) + " …", nft: "xt match " + quoted(e.name)})
	}
}

// The flags of linux/netfilter/xt_addrtype.h.
const (
	addrtypeInvertSource      = 1
	addrtypeInvertDestination = 2
)

func (d *decoder) addrtype(source, destination uint16, flags uint32) {
	// One match can ask for both. Its text then belongs to the first condition.
	text := "-m addrtype"
	for _, side := range []struct {
		types  uint16
		invert uint32
		option string
	}{{source, addrtypeInvertSource, "--src-type"}, {destination, addrtypeInvertDestination, "--dst-type"}} {
		if side.types == 0 {
			continue
		}
		if flags&side.invert != 0 {
			text += " !"
		}
		text += " " + side.option + " " + typeNames(side.types)
	}
	c := clause{order: byMatch, iptables: text, nft: "xt match \"addrtype\""}
	limited := flags&^(addrtypeInvertSource|addrtypeInvertDestination) != 0
	// For IPv6 only LOCAL asks the routing table; UNICAST and MULTICAST look at
	// the address alone (xt_addrtype.c, match_type6).
	strange := d.family == unix.NFPROTO_IPV6 && (source|destination)&^(1<<netfilter.TypeLocal) != 0
	if limited || strange {
		c.iptables += " …"
		d.add(netfilter.NotUnderstood(""), c)
		return
	}
	side := func(types uint16, f netfilter.Field, negated bool) {
		if types == 0 {
			return
		}
		var ranges []netfilter.Range
		for i := range byte(16) {
			if types&(1<<i) != 0 {
				ranges = append(ranges, netfilter.Range{From: []byte{0, 0, 0, i}, To: []byte{0, 0, 0, i}})
			}
		}
		d.condition([]load{{operand: netfilter.Operand{Field: f, Length: 4}}}, elementsOf(ranges), negated, c)
		c = clause{order: byMatch}
	}
	side(source, netfilter.SourceType, flags&addrtypeInvertSource != 0)
	side(destination, netfilter.DestinationType, flags&addrtypeInvertDestination != 0)
}

func typeNames(types uint16) string {
	var out []string
	for i, name := range netfilter.TypeNames() {
		if types&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return strings.Join(out, ",")
}

// statistic matches at random: xt_statistic.c draws 31 bits and compares them
// with the probability, which is a share of 2^31.
func (d *decoder) statistic(probability uint32, invert bool) {
	const all = 1 << 31
	l := load{operand: netfilter.Operand{Field: netfilter.Random, Length: 4, High: all - 1}}
	var ranges []netfilter.Range
	if probability > 0 {
		ranges = append(ranges, netfilter.Range{From: []byte{0, 0, 0, 0}, To: netfilter.Number(min(probability, all) - 1)})
	}
	not := ""
	if invert {
		not = " !"
	}
	text := fmt.Sprintf("-m statistic --mode random%s --probability %.11f", not, float64(probability)/all)
	d.condition([]load{l}, elementsOf(ranges), invert, clause{order: byMatch, iptables: text, nft: "xt match \"statistic\""})
}

func (d *decoder) xtMark(mark, mask uint32, invert bool) {
	l := load{operand: netfilter.Operand{Field: netfilter.Mark, Length: 4, Mask: netfilter.Number(mask)}}
	ranges := []netfilter.Range{{From: netfilter.Number(mark), To: netfilter.Number(mark)}}
	d.condition([]load{l}, elementsOf(ranges), invert, clause{order: byMatch, iptables: markOption(mark, mask, invert), nft: "xt match \"mark\""})
}

func markOption(mark, mask uint32, invert bool) string {
	text := "-m mark"
	if invert {
		text += " !"
	}
	text += fmt.Sprintf(" --mark 0x%x", mark)
	if mask != 1<<32-1 {
		text += fmt.Sprintf("/0x%x", mask)
	}
	return text
}
