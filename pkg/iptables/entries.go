// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// entryLayout contains the offsets of the fields of struct ipt_entry and struct
// ip6t_entry on a 64-bit machine (linux/netfilter_ipv4/ip_tables.h and
// linux/netfilter_ipv6/ip6_tables.h). The addresses are at the start: source,
// destination, mask of the source, mask of the destination.
type entryLayout struct {
	address    int // length of an address
	interfaces int // names and masks of the interfaces
	protocol   int
	flags      int // followed by the flags that invert a condition
	protoFlag  byte
	target     int // offset of the target, followed by that of the next entry
	counters   int
	size       int // the matches follow
}

func layoutOf(f netfilter.Family) entryLayout {
	if f == netfilter.IPv6 {
		return entryLayout{address: 16, interfaces: 64, protocol: 128, flags: 131, protoFlag: 1, target: 140, counters: 152, size: 168}
	}
	return entryLayout{address: 4, interfaces: 16, protocol: 80, flags: 82, target: 88, counters: 96, size: 112}
}

const (
	// extensionHeader is the size of struct xt_entry_match and xt_entry_target:
	// the size, the name and the revision.
	extensionHeader = 32
	extensionName   = 29
	// verdictReturn is XT_RETURN, the verdict of -j RETURN.
	verdictReturn = -5
	// errorTarget is the target of an entry that begins a chain, and has its
	// name, and of the entry that ends the table.
	errorTarget = "ERROR"
)

// entries is the start of a table of iptables-legacy, as the kernel holds it.
type entries struct {
	family netfilter.Family
	layout entryLayout
	data   []byte
	size   int // of the whole table
}

// entry is a rule, or the start of a chain.
type entry struct {
	offset int
	data   []byte
	layout entryLayout
	target int // offset of the target in data
}

// at returns the entry at an offset, and false if data ends before the entry does, or
// the lengths in the entry are impossible.
func (t entries) at(offset int) (entry, bool) {
	if offset < 0 || offset+t.layout.size > len(t.data) {
		return entry{}, false
	}
	e := entry{offset: offset, data: t.data[offset:], layout: t.layout}
	e.target = int(binary.NativeEndian.Uint16(e.data[t.layout.target:]))
	next := int(binary.NativeEndian.Uint16(e.data[t.layout.target+2:]))
	if e.target < t.layout.size || e.target+extensionHeader > next || next > len(e.data) {
		return entry{}, false
	}
	e.data = e.data[:next]
	return e, true
}

// next returns the offset of the following entry.
func (e entry) next() int { return e.offset + len(e.data) }

// extension is a match or a target of an entry.
type extension struct {
	name     string
	revision byte
	info     []byte
}

func extensionAt(b []byte) extension {
	return extension{unix.ByteSliceToString(b[2 : 2+extensionName]), b[extensionHeader-1], b[extensionHeader:]}
}

// chainName returns the name of the chain that begins with this entry, and false if
// no chain does.
func (e entry) chainName() (string, bool) {
	x := extensionAt(e.data[e.target:])
	return unix.ByteSliceToString(x.info), x.name == errorTarget
}

// presence is whether a chain exists.
type presence int

const (
	unknown presence = iota // data ends too early
	absent
	present
)

// find returns the offset of the first entry of a user-defined chain. iptables sorts
// chains by name. So if data has only the start of the table, a name that sorts after
// the chain proves that the chain does not exist.
func (t entries) find(chain string) (first int, p presence) {
	previous := ""
	for offset := 0; ; {
		e, ok := t.at(offset)
		if !ok {
			return 0, unknown
		}
		offset = e.next()
		name, begins := e.chainName()
		switch {
		case !begins:
			continue
		case offset == t.size: // the end of the table
			return 0, absent
		case name == chain:
			return offset, present
		case len(t.data) == t.size:
		case name < previous: // not sorted, so iptables did not write the table
			return 0, unknown
		case name > chain:
			return 0, absent
		}
		previous = name
	}
}
